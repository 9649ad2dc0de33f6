/** Peers that do not take what they are sent: they go, in good order, and nobody else notices. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ServerProcess, startServer, type TestHost, TestPeer, within } from '@wmbp/testkit';
import { memoryMib } from './child.ts';
import { readSeries } from './fault-figures.ts';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { clientFrame, closeOf, OPCODE, RawPeer } from './raw-peer.ts';

const SLOW = { code: 4003, reason: 'Slow consumer.' };
const KIB = 1024;
const MIB = 1024 * KIB;
const SMALL = {
  WMBP_MAX_FRAME_BYTES: String(64 * KIB),
  WMBP_MAX_UNSENT_BYTES: String(512 * KIB),
  WMBP_MAX_TOTAL_UNSENT_BYTES: String(8 * MIB),
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

async function stalled(port: number, path: string): Promise<RawPeer> {
  const peer = await RawPeer.upgraded(port, path);
  raw.push(peer);
  peer.pause();
  return peer;
}

/** A host that reads when it likes, with its room. */
async function rawRoom(
  port: number,
  maxPlayers: number,
  name = '',
): Promise<{ host: RawPeer; code: string }> {
  const host = await RawPeer.upgraded(port, '/CREATE');
  raw.push(host);
  await host.frame();
  await host.send(OPCODE.text, JSON.stringify({ cmd: 'prepare', max_players: maxPlayers, name }));
  await host.frame();
  return { host, code: (await host.frame())?.payload.toString('latin1').slice(-4) ?? '' };
}

/** Waits for `work`, but not for a peer that takes nothing; lets the event loop turn. */
async function turnAfter(work: Promise<void>): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, 50))]);
  await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when it is; asks the process something again and again, so that it has turns to free memory in. */
async function memoryBelow(process: ServerProcess, mib: number): Promise<void> {
  while (memoryMib(process.pid).now >= mib) await readSeries(process);
}

/** Sends numbered frames to everybody, at the speed of a reader that takes each, until `isDone`. */
async function flood(host: TestHost, reader: TestPeer, isDone: () => boolean): Promise<number> {
  const padding = 'x'.repeat(60 * KIB);
  let sent = 0;
  while (!isDone()) {
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(`${sent}:${padding}`) });
    expect((await reader.nextText()).split(':')[0]).toBe(String(sent));
    sent += 1;
  }
  return sent;
}

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  test('a player that stalls is closed at the bound; its host and the others miss nothing', async () => {
    nodes = await Nodes.open(count, SMALL);
    const { host, code } = await nodes.room(3);
    const { player: reader } = await nodes.joined(host, code);
    const slow = await stalled(nodes.playerPort, `/${code}`);
    await host.expect('player_joined');
    await host.expect('state');
    let left: number | undefined;
    void host.nextEvent(30_000).then((event) => (left = 'player' in event ? event.player : 0));
    const sent = await flood(host, reader, () => left !== undefined);
    expect(left).toBe(2);
    expect((await host.expect('state')).players).toEqual([1]);

    slow.resume();
    const frames = await slow.frames();
    expect(closeOf(frames.at(-1))).toEqual(SLOW);
    const numbers = frames.slice(0, -1).map(({ payload }) => Number(payload.toString().split(':')[0]));
    expect(numbers.length).toBeGreaterThan(8);
    expect(numbers.length).toBeLessThanOrEqual(sent);
    expect(numbers).toEqual(numbers.map((__, i) => i));
    expect(nodes.failures).toEqual([]);
  });

  test('one that stalls holds nobody up: what others are sent arrives while it takes nothing', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const slow = await stalled(nodes.playerPort, `/${code}`);
    await host.expect('player_joined');
    await host.expect('state');
    const { player: reader, id } = await nodes.joined(host, code);
    // More than may be under way between two nodes.
    const padding = 'x'.repeat(MIB);
    for (let i = 0; i < 12; i += 1) {
      host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(`${i}:${padding}`) });
      expect((await reader.nextText()).split(':')[0]).toBe(String(i));
    }
    reader.send('all there');
    // Had the one waited for the other, that would have been closed by now.
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: id, data: 'all there' });
    slow.resume();
    for (let i = 0; i < 12; i += 1) {
      expect((await slow.frame())?.payload.toString('latin1', 0, 3).split(':')[0]).toBe(String(i));
    }
    expect(nodes.failures).toEqual([]);
  });

  test('a host that makes itself events and reads none is closed; no player is blamed for it', async () => {
    nodes = await Nodes.open(count, SMALL);
    const { host: slow, code } = await rawRoom(nodes.hostPort, 2, 'x'.repeat(1000));
    const player = await nodes.player(code);
    player.send('a word');
    slow.pause();
    let close: { code: number } | undefined;
    void player.closed(30_000).then((closed) => (close = closed));
    // Each is answered by a state, which has the room's name in it.
    const kick = clientFrame(0x81, Buffer.from('{"cmd":"kick","player":99}'));
    const kicks = Buffer.concat(Array.from({ length: 1000 }, () => kick));
    while (!close) {
      player.send('another');
      await turnAfter(slow.write(kicks));
    }
    expect(close.code).toBe(1001);
    slow.resume();
    const frames = await slow.frames();
    expect(closeOf(frames.at(-1))).toEqual(SLOW);
    expect(frames.at(-2)?.payload.toString('latin1')).toContain('stop');
    expect(nodes.failures).toEqual([]);
  });
});

test('player or host, who has something unsent for 15 s is closed; who reads hears of it, and all else', async () => {
  nodes = await Nodes.open(1);
  const { host, code } = await nodes.room(3);
  const { player: reader } = await nodes.joined(host, code);
  const slowPlayer = await stalled(nodes.playerPort, `/${code}`);
  await host.expect('player_joined');
  await host.expect('state');
  const { host: slowHost, code: slowCode } = await rawRoom(nodes.hostPort, 3);
  slowHost.pause();
  const talker = await nodes.player(slowCode);

  // More than the kernel takes for a peer that does not read, less than half of the bound.
  let left: number | undefined;
  let close: { code: number } | undefined;
  void host.nextEvent(30_000).then((event) => (left = 'player' in event ? event.player : 0));
  void talker.closed(30_000).then((closed) => (close = closed));
  for (let i = 0; i < 20; i += 1) talker.send('x'.repeat(MIB));
  const padding = 'x'.repeat(MIB);
  const startedMs = performance.now();
  let sent = 0;
  while (left === undefined || !close) {
    host.command({
      cmd: 'to_str',
      to: 'all',
      data: Buffer.from(sent < 20 ? `${sent}:${padding}` : `${sent}:`),
    });
    expect((await reader.nextText()).split(':')[0]).toBe(String(sent));
    sent += 1;
    if (sent > 20) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(performance.now() - startedMs).toBeGreaterThan(14_000);
  expect(performance.now() - startedMs).toBeLessThan(25_000);
  expect([left, close.code]).toEqual([2, 1001]);
  for (const slow of [slowPlayer, slowHost]) {
    slow.resume();
    expect(closeOf((await slow.frames()).at(-1))).toEqual(SLOW);
  }
  expect(nodes.failures).toEqual([]);
}, 60_000);

test('a peer that pings and never reads the pongs is closed', async () => {
  nodes = await Nodes.open(1, SMALL);
  const pinger = await stalled(nodes.playerPort, '/CREATE');
  const pings = Buffer.concat(Array.from({ length: 500 }, () => clientFrame(0x89, Buffer.alloc(125))));
  while (!nodes.log.some(({ event }) => event === 'peers turned away')) await turnAfter(pinger.write(pings));
  expect(nodes.log.at(-1)?.fields).toEqual({ slowConsumer: 1 });
  pinger.resume();
  expect(closeOf((await pinger.frames()).at(-1))).toEqual(SLOW);
}, 60_000);

test('sixty that stall take no more memory than they may together, and give it back', async () => {
  server = await startServer({
    WMBP_MAX_FRAME_BYTES: String(4 * MIB),
    WMBP_MAX_UNSENT_BYTES: String(16 * MIB),
    WMBP_MAX_TOTAL_UNSENT_BYTES: String(64 * MIB),
  });
  const { port, pid } = server;
  const { host, code } = await rawRoom(port, 100);
  for (let i = 0; i < 60; i += 1) await stalled(port, `/${code}`);
  const reader = await new TestPeer(`ws://127.0.0.1:${port}/${code}`).opened();
  const before = memoryMib(pid).now;
  const head = Buffer.from('a363636d6462746f62746f8064646174615a', 'hex');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(3 * MIB);
  for (let i = 0; i < 8; i += 1) {
    await host.send(OPCODE.binary, Buffer.concat([head, length, Buffer.alloc(3 * MIB, i)]));
    const { bytes } = await reader.next();
    expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([3 * MIB, i, i]);
    const unsent = await readSeries(server, 'wmbp_unsent_bytes');
    expect(unsent.get('wmbp_unsent_bytes')).toBeLessThanOrEqual(64 * MIB);
  }
  // Without a bound 60 × 16 MiB would be waiting (measured: 1,080 MiB). The library's buffers double when they grow,
  // and the allocator may keep the smaller ones: 130 to 280.
  expect(memoryMib(pid).most - before).toBeLessThan(6 * 64);
  for (const peer of raw.splice(0)) peer.drop();
  const again = await new TestPeer(`ws://127.0.0.1:${port}/CREATE`).opened();
  await again.next();
  await within('the memory to be given back', memoryBelow(server, before + 128));
  again.drop();
  reader.drop();
}, 60_000);
