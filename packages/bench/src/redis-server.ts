/** The Redis of a sample: `REDIS_URL` if set, else a `redis-server` from the PATH in a process of its own. */
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
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
  let lastWords = '';
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const port = await freePort();
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const command = [...pinning, 'redis-server', '--port', String(port), ...settings];
    let isReady = false;
    const child = new Child(command, process.env, (line) => (isReady ||= line.includes('Ready to accept')));
    let hasEnded = false;
    void child.ended.then(() => (hasEnded = true));
    const deadline = performance.now() + START_MS;
    while (!isReady && !hasEnded && performance.now() < deadline) await wait(5);
    if (isReady) return connect(`redis://127.0.0.1:${port}`, () => child.stop());
    await child.stop();
    ({ lastWords } = child);
  }
  throw new SubjectError(`no Redis: set REDIS_URL, or have a redis-server in the PATH. ${lastWords}`);
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
