/** Plain TCP balancers: whoever connects lands on the next node, and nobody routes by room. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer } from './debian-binary.ts';
import { within } from './deadline.ts';
import { freePort, stopChild } from './redis.ts';

export interface Balancer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Round robin within this process. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer((near) => {
    const far = connect(ports[next % ports.length] as number, '127.0.0.1');
    next += 1;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** HAProxy in TCP mode. */
export async function startHaproxy(ports: readonly number[]): Promise<Balancer> {
  const port = await freePort();
  const servers = ports.map((each, index) => `  server gateway${index} 127.0.0.1:${each} check inter 500ms`);
  const lines = [
    'defaults',
    '  mode tcp',
    '  balance roundrobin',
    '  timeout connect 2s',
    '  timeout client 1h',
    '  timeout server 1h',
    'listen wmbp',
    `  bind 127.0.0.1:${port}`,
    ...servers,
    '',
  ];
  return startHaproxyWith(lines.join('\n'), port);
}

/** HAProxy with a configuration of the test's own, which binds `port`. @throws {Error} when HAProxy refuses it */
export async function startHaproxyWith(config: string, port: number): Promise<Balancer> {
  const { path, env } = await findServer('haproxy', '');
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  await writeFile(file, config);
  const child = spawn(path, ['-db', '-f', file], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error(`haproxy ended: ${errors}`)));
  });
  ended.catch(() => undefined);
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await within(`haproxy on port ${port}`, Promise.race([untilOpen(port), ended]));
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, stop };
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
