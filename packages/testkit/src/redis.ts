/** Real Redis for tests. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { within } from './deadline.ts';
import { findServer, type ServerBinary } from './debian-binary.ts';

export interface TestRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** A Redis that a test may kill, freeze and start again; on this machine, from the binary. */
export interface RedisProcess extends TestRedis {
  readonly port: number;
  /** SIGKILL, SIGSTOP, SIGCONT … */
  signal(signal: NodeJS.Signals): void;
  /** Starts a killed one again, on the same port, with nothing in it. */
  restart(): Promise<void>;
}

/**
 * A Redis for whoever only wants one: `REDIS_URL` if set, else a container where an engine answers, else a process
 * of its own.
 */
export async function startRedis(): Promise<TestRedis> {
  const url = process.env['REDIS_URL'];
  if (url !== undefined && url !== '') return { url, stop: () => Promise.resolve() };
  return (await startContainer()) ?? (await startRedisProcess());
}

/** @param args further arguments of `redis-server`, such as `--maxmemory 10mb` */
export async function startRedisProcess(args: readonly string[] = []): Promise<RedisProcess> {
  const port = await freePort();
  let child = await spawnRedis(port, args);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (signal) => void child.kill(signal),
    restart: async () => {
      await stopChild(child);
      child = await spawnRedis(port, args);
    },
    stop: () => stopChild(child),
  };
}

export function findRedisServer(): Promise<ServerBinary> {
  return findServer('redis-server', 'set REDIS_URL, start a Docker engine, ');
}

/** Resolves when it is ready. @param own what it is told of itself, unless a file of its own says so */
export async function spawnRedis(
  port: number,
  args: readonly string[],
  own: readonly string[] = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ],
  server?: ServerBinary,
): Promise<ChildProcess> {
  const { path, env } = server ?? (await findRedisServer());
  // Where a replica writes what its master sends; whoever starts there would begin with it.
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-redis-'));
  const child = spawn(path, [...own, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  let output = '';
  await within(
    `redis-server on port ${port}`,
    new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text: Buffer) => {
        output += text.toString();
        if (/Ready to accept connections|\+monitor master/.test(output)) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`redis-server ended: ${output}`)));
    }),
  );
  return child;
}

export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  // A frozen process ends too.
  child.kill('SIGKILL');
  await exited;
}

const LOWEST_PORT = 12_000;
const PORTS = 10_000;
/** A node of a Redis Cluster listens there as well. */
const BUS_OFFSET = 10_000;
const given = new Set<number>();

/**
 * A port for a server that may end and come back on it, and one 10,000 above for the bus of a Redis Cluster. Both are
 * below those that the system gives to outgoing connections: one of these could take the port meanwhile, and whoever
 * waits there for the server to come back could connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + randomInt(PORTS);
    if (given.has(port)) continue;
    given.add(port);
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** `undefined` where no engine answers, or it cannot get the image. */
async function startContainer(): Promise<TestRedis | undefined> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  try {
    await getContainerRuntimeClient();
    const container = await new GenericContainer('redis:8').withExposedPorts(6379).start();
    return {
      url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
      stop: async () => void (await container.stop()),
    };
  } catch {
    return undefined;
  }
}
