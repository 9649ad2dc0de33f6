/** A subject under test, in a process of its own on a free port of 127.0.0.1. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Subject } from './options.ts';

const START_MS = 15_000;
const BARE_RELAY = fileURLToPath(new URL('bare-relay.ts', import.meta.url));
const RAW_RELAY = fileURLToPath(new URL('raw-relay.ts', import.meta.url));
const THIS_CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

/** The subject hangs, ends, or sends nonsense: there is nothing to compare. */
export class SubjectError extends Error {}

export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Resolves with its last words when it has ended, whoever ended it. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** @throws {SubjectError} if it does not listen in time; the message holds the last it said. */
export function startServer(subject: Subject, pinning: readonly string[]): Promise<Server> {
  return subject === 'gateway'
    ? startGateway({}, pinning)
    : startProgram(subject, bareRelay(subject), pinning);
}

/**
 * @param settings `WMBP_…`, beside those that every gateway gets
 * @param checkout whose gateway it is
 * @throws as `startServer`
 */
export function startGateway(
  settings: NodeJS.ProcessEnv,
  pinning: readonly string[],
  checkout: string = THIS_CHECKOUT,
): Promise<Server> {
  const script = [join(checkout, 'packages/gateway/src/main.ts')];
  const env = { ...withoutSettings(), ...GATEWAY_SETTINGS, ...settings };
  return startProgram('gateway', { script, env }, pinning);
}

/**
 * One of two that share a Redis.
 * @param isCorked whether what it publishes in a turn leaves in one write
 * @throws as `startServer`
 */
export function startRawRelay(
  redisUrl: string,
  isCorked: boolean,
  pinning: readonly string[],
): Promise<Server> {
  const script = [RAW_RELAY, redisUrl, ...(isCorked ? ['corked'] : [])];
  return startProgram('raw relay', { script, env: withoutSettings() }, pinning);
}

interface Program {
  readonly script: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Of a program that logs `listening` and its port. @throws as `startServer` */
function startProgram(
  subject: string,
  { script, env }: Program,
  pinning: readonly string[],
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const child = new Child([...pinning, process.execPath, ...script], env, (line) => {
      const port = portOf(line);
      if (port === undefined) return;
      clearTimeout(timer);
      resolve({ pid: child.pid, port, ended: child.ended, stop: () => child.stop() });
    });
    const timer = setTimeout(() => {
      reject(new SubjectError(`${subject} did not listen within ${START_MS} ms: ${child.lastWords}`));
      void child.stop();
    }, START_MS);
    void child.ended.then((lastWords) => {
      clearTimeout(timer);
      reject(new SubjectError(`${subject} ended before it listened: ${lastWords}`));
    });
  });
}

function bareRelay(subject: Exclude<Subject, 'gateway'>): Program {
  const env = withoutSettings();
  switch (subject) {
    case 'bare':
      return { script: [BARE_RELAY], env };
    case 'bare-loop':
      return { script: [BARE_RELAY, 'loop'], env };
    case 'bare-topics':
      return { script: [BARE_RELAY, 'topics'], env };
  }
}

const GATEWAY_SETTINGS = {
  WMBP_HOST: '127.0.0.1',
  WMBP_PORT: '0',
  WMBP_ADMIN_PORT: '',
  WMBP_LOG_LEVEL: 'info',
};

/** Settings of whoever runs the bench are not the subject's. */
function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WMBP_')));
}

/** From a line like `{"msg":"listening","port":8081}`. */
function portOf(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const { msg, port } = JSON.parse(line) as { msg?: unknown; port?: unknown };
    return msg === 'listening' && typeof port === 'number' ? port : undefined;
  } catch {
    return undefined;
  }
}
