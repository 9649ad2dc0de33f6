/** Which uWebSockets.js runs here: the newer of two versions that has a binary for this system. */
import { createRequire } from 'node:module';
import type * as Uws from 'uWebSockets.js';

/** The newer one needs glibc 2.38 (Debian 13, Ubuntu 24.04), the older one 2.27; neither runs on musl. */
const PACKAGES = ['uWebSockets.js', 'uWebSockets.js-glibc-2.27'] as const;

export type { Uws };

/** @throws {Error} when neither loads; its message says why */
export function loadUws(): typeof Uws {
  const require = createRequire(import.meta.url);
  const reasons: string[] = [];
  for (const name of PACKAGES) {
    try {
      return require(name) as typeof Uws;
    } catch (error) {
      reasons.push(`${name}: ${String(error).split('\n').join(' ')}`);
    }
  }
  const system = `Node ${process.versions.node} on ${process.platform}-${process.arch}`;
  throw new Error(`uWebSockets.js does not load under ${system}: ${reasons.join('; ')}`);
}
