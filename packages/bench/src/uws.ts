/** Loads uWebSockets.js: the newer of two versions whose binary runs on this machine. */
import { createRequire } from 'node:module';
import type * as Uws from 'uWebSockets.js';

/** 20.69.0 needs glibc 2.38; 20.51.4 needs only 2.27. */
const VERSIONS = ['uWebSockets.js', 'uWebSockets.js-glibc-2.27'] as const;

/** @throws {Error} when no version has a binary for this machine; the message holds each version's reason. */
export function loadUws(): typeof Uws {
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const name of VERSIONS) {
    try {
      return require(name) as typeof Uws;
    } catch (error) {
      reasons.push(`${name}: ${String(error)}`);
    }
  }
  throw new Error(`no uWebSockets.js runs here:\n${reasons.join('\n')}`);
}
