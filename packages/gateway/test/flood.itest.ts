/** One phone cannot end the party: who floods goes, the host and the others play on. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startRedisProcess, startServer, TestHost, TestPeer, type ServerProcess } from '@wmbp/testkit';
import { memoryMib } from './child.ts';
import { addressesIn, ARRANGEMENTS, Nodes } from './nodes.ts';
import { Processes } from './processes.ts';
import { clientFrame, closeOf, OPCODE, RawPeer } from './raw-peer.ts';

const FLOODING = { code: 1008, reason: 'Too much, too fast.' };
const KIB = 1024;
const SMALL = {
  WMBP_MAX_FRAME_BYTES: String(64 * KIB),
  WMBP_MAX_UNSENT_BYTES: String(32 * KIB * KIB),
  WMBP_MAX_TOTAL_UNSENT_BYTES: String(64 * KIB * KIB),
};

let nodes: Nodes | undefined;
let server: ServerProcess | undefined;
const raw: RawPeer[] = [];
afterEach(async () => {
  for (const peer of raw.splice(0)) peer.drop();
  await nodes?.close();
  nodes = undefined;
  server?.kill('SIGKILL');
  await server?.exited;
  server = undefined;
});

async function keep(peer: Promise<RawPeer>): Promise<RawPeer> {
  raw.push(await peer);
  return peer;
}

/** Sends as much as it can until it is closed; resolves with the close. */
async function flood(flooder: TestPeer, frame: Buffer): Promise<{ code: number; reason: string }> {
  let close: { code: number; reason: string } | undefined;
  void flooder.closed(40_000).then((closed) => (close = closed));
  while (!close) {
    if (flooder.socket.bufferedAmount < 1024 * KIB) for (let i = 0; i < 20; i += 1) flooder.send(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return close;
}

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  // Six who flood three nodes and a Redis, all in this process, leave nothing of it for anybody else: see below.
  test.each(count === 'redis' ? [1] : [1, 6])(
    'of players that flood (%d) each is closed, and neither the host, if it does not read, nor who talks little',
    async (flooders) => {
      nodes = await Nodes.open(count, SMALL);
      const host = await keep(RawPeer.upgraded(nodes.hostPort, '/CREATE'));
      await host.frame();
      await host.send(OPCODE.text, '{"cmd":"prepare","max_players":10}');
      await host.frame();
      const code = (await host.frame())?.payload.toString('latin1').slice(-4) ?? '';
      const quiet = await nodes.player(code);
      quiet.send('hello');
      const phones: TestPeer[] = [];
      for (let i = 0; i < flooders; i += 1) phones.push(await nodes.player(code));
      host.pause();
      const frame = Buffer.alloc(16 * KIB, 200);
      const closes = await Promise.all(phones.map((phone) => flood(phone, frame)));
      expect(closes).toEqual(phones.map(() => FLOODING));

      // A drawing, while the host still has all before it that the others sent.
      for (let i = 0; i < 14; i += 1) quiet.send('x'.repeat(60 * KIB));
      await new Promise((resolve) => setTimeout(resolve, 100));
      host.resume();
      quiet.send('still here');
      await host.seen('still here');
      // Nobody else is left, and who of them all joined first is not said.
      await host.send(OPCODE.text, `{"cmd":"to_str","to":[],"data":"you too"}`);
      expect(await quiet.nextText()).toBe('you too');
      expect(nodes.failures).toEqual([]);
      await nodes.close();
      expect(addressesIn(nodes.log)).toEqual(['flooding 127.0.0.1']);
    },
    60_000,
  );
});

/** As `flood`, with numbers; what is written at once lets the event loop turn before more is. */
function pump(flooder: TestPeer): void {
  const padding = 'x'.repeat(16 * KIB);
  let sent = 0;
  const next = (): void => {
    if (flooder.socket.readyState !== flooder.socket.OPEN) return;
    flooder.socket.send(`${sent}:${padding}`, () => setImmediate(next));
    sent += 1;
  };
  for (let i = 0; i < 16; i += 1) next();
}

test('over Redis, of six that flood one host from three gateways each is closed; nobody else has lost a frame', async () => {
  const redis = await startRedisProcess();
  const cluster = await Processes.start(3, redis.url, SMALL);
  try {
    const { host, code } = await cluster.room(0, 10);
    const quiet = await cluster.joined(1, host, code);
    const phones = [];
    for (let i = 0; i < 6; i += 1) phones.push(await cluster.joined(i % 3, host, code));
    const beside = await cluster.room(1, 1);
    const friend = await cluster.joined(2, beside.host, beside.code);
    const before = cluster.servers.map(({ pid }) => memoryMib(pid).now);

    host.socket.pause();
    let areClosed = false;
    const closes = Promise.all(phones.map(({ player }) => player.closed(40_000)));
    void closes.finally(() => (areClosed = true)).catch(() => undefined);
    for (const { player } of phones) pump(player);
    for (let round = 0; !areClosed; round += 1) {
      quiet.player.send('a word');
      friend.player.send(String(round));
      expect(await beside.host.expect('from_str')).toMatchObject({ from: friend.id, data: String(round) });
      beside.host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(String(round)) });
      expect(await friend.player.nextText()).toBe(String(round));
      // What one host may have unsent, with what the library's buffers cost besides (measured: 64 MiB on its node).
      const grown = cluster.servers.map(({ pid }, i) => memoryMib(pid).most - (before[i] ?? 0));
      expect(Math.max(...grown)).toBeLessThan(256);
    }
    expect(await closes).toEqual(phones.map(() => FLOODING));

    quiet.player.send('still here');
    host.socket.resume();
    const next = new Map(phones.map(({ id }) => [id, 0]));
    const left: number[] = [];
    for (;;) {
      const event = await host.nextEvent();
      if (event.cmd === 'player_left') left.push(event.player);
      if (event.cmd !== 'from_str') continue;
      if (event.data === 'still here') break;
      if (event.from === quiet.id) continue;
      expect([event.from, parseInt(String(event.data), 10)]).toEqual([event.from, next.get(event.from)]);
      next.set(event.from, (next.get(event.from) ?? NaN) + 1);
    }
    while (left.length < phones.length) {
      const event = await host.nextEvent();
      if (event.cmd === 'player_left') left.push(event.player);
    }
    expect(left.toSorted((a, b) => a - b)).toEqual(phones.map(({ id }) => id));
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('you too') });
    expect(await quiet.player.nextText()).toBe('you too');
    expect(cluster.failures).toEqual([]);
  } finally {
    await cluster.stop();
    await redis.stop();
  }
}, 60_000);

/** A phone in a process of its own, since one that shares ours would be slowed by us. */
function separateFlooder(port: number, path: string, frameBytes: number, opcode: number): Promise<string> {
  const script = new URL('flooder.ts', import.meta.url).pathname;
  const args = ['--disable-warning=ExperimentalWarning', script, String(port), path, String(frameBytes)];
  const child = spawn(process.execPath, [...args, String(opcode)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve));
}

describe('who sends faster than the server works does not keep it from anybody else', () => {
  test.each([
    ['tiny frames', 10, OPCODE.binary],
    ['large frames', 16_000, OPCODE.binary],
    ['pings', 0, OPCODE.ping],
  ])(
    '%s',
    async (_, frameBytes, opcode) => {
      server = await startServer();
      const { port, pid } = server;
      const host = await new TestHost(`ws://127.0.0.1:${port}/CREATE`).opened();
      await host.expect('state');
      const code = await host.prepare(2);
      const friend = await new TestPeer(`ws://127.0.0.1:${port}/${code}`).opened();
      await host.expect('player_joined');
      await host.expect('state');
      // Its host reads everything, in a process of its own too: nothing but the speed is wrong.
      const target = await keep(RawPeer.upgraded(port, '/CREATE'));
      await target.send(OPCODE.text, '{"cmd":"prepare","max_players":10}');
      await target.frame();
      await target.frame();
      const targetCode = (await target.frame())?.payload.toString('latin1').slice(-4) ?? '';
      target.tcp.removeAllListeners('data').resume();
      const before = memoryMib(pid).now;
      let closed: string | undefined;
      void separateFlooder(port, `/${targetCode}`, frameBytes, opcode).then((line) => (closed = line));
      let rounds = 0;
      for (const startedMs = performance.now(); closed === undefined; rounds += 1) {
        friend.send(String(rounds));
        expect(await host.expect('from_str')).toMatchObject({ data: String(rounds) });
        if (performance.now() - startedMs > 20_000) break;
      }
      // Who can keep up with the flood, on a machine this fast, need send nobody away: then everybody played on.
      if (closed !== undefined) expect(closed).toBe(JSON.stringify(FLOODING));
      expect(rounds).toBeGreaterThan(10);
      expect(memoryMib(pid).most - before).toBeLessThan(256);
      host.drop();
      friend.drop();
    },
    60_000,
  );

  test('a host whose frames go to many is weighed by what they cost', async () => {
    server = await startServer();
    const { port, pid } = server;
    const host = await keep(RawPeer.upgraded(port, '/CREATE'));
    await host.frame();
    await host.send(OPCODE.text, '{"cmd":"prepare","max_players":1000}');
    await host.frame();
    const code = (await host.frame())?.payload.toString('latin1').slice(-4) ?? '';
    for (let i = 0; i < 300; i += 1) {
      const player = await keep(RawPeer.upgraded(port, `/${code}`));
      player.tcp.removeAllListeners('data').resume();
    }
    const friend = await new TestHost(`ws://127.0.0.1:${port}/CREATE`).opened();
    await friend.expect('state');
    const command = Buffer.from('a363636d6462746f62746f806464617461410a', 'hex');
    const flooded = Buffer.concat(Array.from({ length: 200_000 }, () => clientFrame(0x82, command)));
    void host.write(flooded);
    friend.command({ cmd: 'prepare', name: '', max_players: 1 });
    expect((await friend.expect('state')).max_players).toBe(1);
    expect(closeOf((await host.frames()).at(-1))).toEqual(FLOODING);
    expect(memoryMib(pid).most).toBeLessThan(400);
    friend.drop();
  }, 60_000);
});
