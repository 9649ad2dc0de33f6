/** The balancer's configurations, each before two gateways: valid, played through, and true about addresses. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  findServer,
  freePort,
  makeCertificate,
  ROOT,
  startHaproxyWith,
  startRedis,
  startServer,
  TestHost,
  TestPeer,
  within,
  type Balancer,
  type ServerProcess,
  type TestRedis,
} from '@wmbp/testkit';
import { run } from './tools.ts';

/** Look-ups by so many peers: few for each of them, too many for one, on whichever of two gateways they land. */
const PEERS = 8;
const LOOK_UPS = 160;
const NO_CA = Buffer.alloc(0);
let redis: TestRedis;
let folder: string;
let pem: string;
/** It waits for seconds: the other tests run meanwhile. */
let silentPeers: Promise<void>;

beforeAll(async () => {
  redis = await startRedis();
  folder = await mkdtemp(join(tmpdir(), 'wmbp-haproxy-test-'));
  pem = join(folder, 'wmbp.pem');
  const { certificate, key } = await makeCertificate(folder);
  // In one file, as HAProxy wants them.
  await writeFile(pem, Buffer.concat([await readFile(certificate), await readFile(key)]));
  silentPeers = outliveTheBalancersPatience();
  silentPeers.catch(() => undefined);
});
afterAll(async () => {
  await silentPeers?.catch(() => undefined);
  await redis.stop();
  await rm(folder, { recursive: true });
});

/** The shipped file, with the test's addresses in place of its examples; each must be there. */
async function configOf(name: string, port: number, servers: readonly ServerProcess[]): Promise<string> {
  let text = await readFile(join(ROOT, 'deploy/haproxy', name), 'utf8');
  const put = (from: RegExp, to: string): void => {
    expect([name, from.test(text)]).toEqual([name, true]);
    text = text.replace(from, to);
  };
  put(/bind :(8081|443)/, `bind 127.0.0.1:${port}`);
  for (const [index, { port: near, adminPort }] of servers.entries()) {
    put(
      new RegExp(`server gateway${index + 1} 10\\.0\\.0\\.1${index + 1}:8081`),
      `server gateway${index + 1} 127.0.0.1:${near} port ${adminPort}`,
    );
  }
  if (name === 'tls.cfg') put(/\/etc\/haproxy\/wmbp\.pem/, pem);
  expect(text).not.toMatch(/10\.0\.0\.|\/etc\//);
  return text;
}

interface Stage {
  readonly servers: readonly ServerProcess[];
  readonly balancer: Balancer;
}

/** @param change to the shipped file, beyond its addresses. @param settings of the gateways */
async function stage(
  name: string,
  use: (stage: Stage) => Promise<void>,
  change: (config: string) => string = (config) => config,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const env = {
    WMBP_REDIS_URL: redis.url,
    WMBP_DRAIN_NOTICE_MS: '10000',
    WMBP_PROXY_PROTOCOL_FROM: '127.0.0.1',
    ...settings,
  };
  const servers: ServerProcess[] = [];
  let balancer: Balancer | undefined;
  try {
    for (let i = 0; i < 2; i += 1) servers.push(await startServer(env));
    const port = await freePort();
    const config = await configOf(name, port, servers);
    balancer = await startHaproxyWith(change(config), port);
    await use({ servers, balancer });
  } finally {
    await balancer?.stop();
    for (const server of servers) server.kill('SIGKILL');
    await Promise.all(servers.map(({ exited }) => exited));
  }
}

/** A room through the balancer, a frame each way; everybody is dropped at the end. */
async function play(scheme: 'ws' | 'wss', port: number, ca: Buffer): Promise<void> {
  const host = new TestHost(`${scheme}://127.0.0.1:${port}/CREATE`, { ca });
  const peers: TestPeer[] = [host];
  try {
    await host.opened();
    await host.expect('state');
    const code = await host.prepare(4, 'quiz');
    for (let i = 1; i <= 3; i += 1) {
      const player = await new TestPeer(`${scheme}://127.0.0.1:${port}/${code}`, { ca }).opened();
      peers.push(player);
      const { player: id } = await host.expect('player_joined');
      await host.expect('state');
      player.send(`from ${id}`);
      expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: id, data: `from ${id}` });
      host.command({ cmd: 'to_str', to: [id], data: Buffer.from(`to ${id}`) });
      expect(await player.nextText()).toBe(`to ${id}`);
    }
  } finally {
    for (const peer of peers) peer.drop();
  }
}

/** How many look-ups of an unknown code, by peers in turn, were too many. */
async function tooMany(port: number): Promise<number> {
  const statuses = Array.from({ length: LOOK_UPS }, (_, index) => {
    const localAddress = `127.0.0.${2 + (index % PEERS)}`;
    return new Promise<number>((resolve, reject) => {
      const asked = get({ host: '127.0.0.1', port, path: '/ABCD', localAddress, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.on('error', reject);
    });
  });
  const all = await Promise.all(statuses);
  expect(all.filter((status) => status !== 404 && status !== 429)).toEqual([]);
  return all.filter((status) => status === 429).length;
}

async function metric(server: ServerProcess, sample: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${server.adminPort}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${sample} `));
  return Number(line?.slice(sample.length));
}

/** So many connections came from the balancer with an address of a peer, on both gateways together. */
async function believed({ servers }: Stage): Promise<number> {
  const counts = servers.map((server) => metric(server, 'wmbp_proxy_headers_total{result="believed"}'));
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

describe('haproxy accepts', () => {
  test.each(['deploy/haproxy/tcp.cfg', 'deploy/haproxy/proxy-protocol.cfg', 'deploy/docker/haproxy.cfg'])(
    '%s',
    async (file) => {
      const { path } = await findServer('haproxy', '');
      // What docker-compose.yml gives to the last of them.
      await run(path, ['-c', '-f', file], { WMBP_BALANCER_FILES: '64000' });
    },
  );
});

test('tcp.cfg: a game is played through it; to the gateways all peers are one', async () => {
  await stage('tcp.cfg', async (on) => {
    await play('ws', on.balancer.port, NO_CA);
    expect(await tooMany(on.balancer.port)).toBeGreaterThan(0);
    expect(await believed(on)).toBe(0);
  });
});

test('proxy-protocol.cfg: a game is played through it, and each peer has its own address', async () => {
  await stage('proxy-protocol.cfg', async (on) => {
    await play('ws', on.balancer.port, NO_CA);
    expect(await believed(on)).toBe(4);
    expect(await tooMany(on.balancer.port)).toBe(0);
    expect(await believed(on)).toBe(4 + LOOK_UPS);
  });
});

/** What clouds' balancers write before a peer's own bytes; the second as captured behind one. */
const CLOUDS: readonly (readonly [string, Buffer])[] = [
  ['version 1', Buffer.from('PROXY TCP4 203.0.113.7 10.0.0.5 12345 8081\r\n')],
  [
    'version 2 with a checksum and padding, 84 bytes behind the first 16',
    Buffer.concat([
      Buffer.from('0d0a0d0a000d0a515549540a21110054cb0071070a00000530391f91', 'hex'),
      Buffer.from('030004a9b87e8f04003e', 'hex'),
      Buffer.alloc(62),
    ]),
  ],
];

test('proxy-protocol.cfg with accept-proxy, behind a cloud: its headers are read, and what comes out is readable', async () => {
  await stage(
    'proxy-protocol.cfg',
    async (on) => {
      for (const [index, [name, header]] of CLOUDS.entries()) {
        expect([name, await answerTo(on.balancer.port, withChecksum(header))]).toEqual([
          name,
          'HTTP/1.1 404',
        ]);
        expect([name, await believed(on)]).toEqual([name, index + 1]);
      }
    },
    (config) => config.replace(/^ *bind .*$/m, '$& accept-proxy'),
  );
});

/** The checksum (CRC-32C) over the whole header, in the place that version 2 has for it. */
function withChecksum(header: Buffer): Buffer {
  if (header[0] !== 0x0d) return header;
  const at = header.indexOf(Buffer.from('030004', 'hex'), 28) + 3;
  const whole = Buffer.from(header);
  whole.writeUInt32BE(0, at);
  let crc = 0xffffffff;
  for (const byte of whole) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  whole.writeUInt32BE(~crc >>> 0, at);
  return whole;
}

/** The first words of what comes for a look-up behind this header. */
function answerTo(port: number, header: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text.slice(0, 'HTTP/1.1 404'.length)));
    socket.write(Buffer.concat([header, Buffer.from('GET /ABCD HTTP/1.1\r\nHost: x\r\n\r\n')]));
  });
}

test('tls.cfg: a game is played through it by wss, and each peer has its own address', async () => {
  await stage('tls.cfg', async (on) => {
    await play('wss', on.balancer.port, await readFile(pem));
    expect(await believed(on)).toBe(4);
  });
});

test('a gateway that drains gets nobody new, as soon as the balancer has seen it', async () => {
  await stage('proxy-protocol.cfg', async ({ servers, balancer }) => {
    servers[0]?.kill('SIGTERM');
    let inARow = 0;
    const untilMs = performance.now() + 9000;
    while (inARow < 6 && performance.now() < untilMs) {
      const host = new TestHost(`ws://127.0.0.1:${balancer.port}/CREATE`);
      inARow = (await host.nextEvent()).cmd === 'state' ? inARow + 1 : 0;
      host.drop();
    }
    expect(inARow).toBe(6);
  });
});

/** The balancer cuts what is silent for 7 s; gateways that would do so after 8 s ping every 4 s. */
async function outliveTheBalancersPatience(): Promise<void> {
  const patience = (config: string): string => {
    expect(config.match(/timeout (client|server) 2m$/gm)).toHaveLength(2);
    return config.replaceAll(/timeout (client|server) 2m$/gm, 'timeout $1 7s');
  };
  await stage('tcp.cfg', ({ balancer }) => fallSilent(balancer.port), patience, {
    WMBP_IDLE_TIMEOUT_SECONDS: '8',
  });
}

/** A host and a player that say nothing but answer pings, until 8 s are over; then both are heard. */
async function fallSilent(port: number): Promise<void> {
  const host = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
  let player: TestPeer | undefined;
  const silence = async ({ socket }: TestPeer): Promise<void> => {
    const untilMs = performance.now() + 8000;
    while (performance.now() < untilMs) {
      await within('a ping', new Promise<void>((resolve) => socket.once('ping', () => resolve())));
    }
  };
  try {
    await host.opened();
    await host.expect('state');
    player = await new TestPeer(`ws://127.0.0.1:${port}/${await host.prepare(1)}`).opened();
    const { player: id } = await host.expect('player_joined');
    await host.expect('state');
    await Promise.all([silence(host), silence(player)]);
    player.send('still here');
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: id, data: 'still here' });
    host.command({ cmd: 'to_str', to: [id], data: Buffer.from('so am I') });
    expect(await player.nextText()).toBe('so am I');
  } finally {
    host.drop();
    player?.drop();
  }
}

test('peers that are silent for longer than the balancer suffers stay: the gateway pings them', () =>
  silentPeers);
