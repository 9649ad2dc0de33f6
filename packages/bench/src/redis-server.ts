/** The Redis of a sample: `REDIS_URL` if set, else a process of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { findServer, freePort } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { Child } from './child.ts';
import { SubjectError } from './server.ts';

const START_MS = 5000;
/** A port that was free may have been taken meanwhile. */
const MAX_ATTEMPTS = 3;

/** What it has been asked so far. */
export interface RedisCounts {
  readonly publishes: number;
  /** From sockets; one may hold several commands. */
  readonly reads: number;
  readonly cpuMs: number;
}

export interface RedisServer {
  readonly url: string;
  counts(): Promise<RedisCounts>;
  stop(): Promise<void>;
}

/** @throws {SubjectError} when there is none */
export async function startRedis(pinning: readonly string[]): Promise<RedisServer> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '') return connect(given, () => Promise.resolve());
  const { path, env } = await findServer('redis-server', 'set REDIS_URL, or ').catch((error: Error) => {
    throw new SubjectError(error.message);
  });
  let lastWords = '';
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const port = await freePort();
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const command = [...pinning, path, '--port', String(port), ...settings];
    let isReady = false;
    const child = new Child(command, { ...process.env, ...env }, (line) => {
      isReady ||= line.includes('Ready to accept');
    });
    let hasEnded = false;
    void child.ended.then(() => (hasEnded = true));
    const deadline = performance.now() + START_MS;
    while (!isReady && !hasEnded && performance.now() < deadline) await wait(5);
    if (isReady) return connect(`redis://127.0.0.1:${port}`, () => child.stop());
    await child.stop();
    ({ lastWords } = child);
  }
  throw new SubjectError(`redis-server does not start: ${lastWords}`);
}

function connect(url: string, stop: () => Promise<void>): RedisServer {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {});
  return {
    url,
    async counts() {
      const info = await redis.info('everything');
      const number = (pattern: RegExp): number => Number(pattern.exec(info)?.[1] ?? 0);
      return {
        publishes: number(/^cmdstat_publish:calls=(\d+)/m),
        reads: number(/^total_reads_processed:(\d+)/m),
        cpuMs: 1000 * (number(/^used_cpu_sys:([\d.]+)/m) + number(/^used_cpu_user:([\d.]+)/m)),
      };
    },
    async stop() {
      redis.disconnect();
      await stop();
    },
  };
}
