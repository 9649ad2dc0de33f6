/** The bounds of one node: who is beyond them is told to try again, who is within them notices nothing. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestHost, TestPeer } from '@wmbp/testkit';
import { Canary } from './canary.ts';
import { Child, MAIN } from './child.ts';
import { GatedStore } from './gated-store.ts';
import { Nodes } from './nodes.ts';
import { RawPeer } from './raw-peer.ts';

const TOO_MANY_SOCKETS = { code: 1013, reason: 'Too many sockets, try again later.' };
const TOO_MANY_ROOMS = { code: 1013, reason: 'Too many rooms, try again later.' };

let nodes: Nodes | undefined;
let child: Child | undefined;
const raw: RawPeer[] = [];
afterEach(async () => {
  for (const peer of raw.splice(0)) peer.drop();
  await nodes?.close();
  nodes = undefined;
  child?.end();
  child = undefined;
});

test('a socket too many is refused; when one has gone the next is let in', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_SOCKETS: '8' });
  const { host, code } = await nodes.room(10);
  const players = [];
  for (let i = 0; i < 7; i += 1) players.push(await nodes.joined(host, code));
  expect(await (await nodes.player(code)).closed()).toEqual(TOO_MANY_SOCKETS);
  const refused = new TestHost(`ws://127.0.0.1:${nodes.hostPort}/CREATE`);
  await refused.expect('stop');
  expect(await refused.closed()).toEqual(TOO_MANY_SOCKETS);
  players[0]?.player.close();
  await host.expect('player_left');
  await host.expect('state');
  await nodes.joined(host, code);
  expect(nodes.failures).toEqual([]);
});

test('a room too many is refused; when one has ended the next may open', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_ROOMS: '2' });
  const first = await nodes.room(1);
  await nodes.room(1);
  const third = await nodes.host();
  third.command({ cmd: 'prepare', name: '', max_players: 1 });
  await third.expect('stop');
  expect(await third.closed()).toEqual(TOO_MANY_ROOMS);
  first.host.command({ cmd: 'stop' });
  await first.host.closed();
  await nodes.room(1);
  expect(nodes.failures).toEqual([]);
});

test('of many who prepare at once exactly as many get a room as may', async () => {
  const store = new GatedStore();
  nodes = await Nodes.open(1, { WMBP_MAX_ROOMS: '5' }, store);
  const hosts = await Promise.all(Array.from({ length: 20 }, () => nodes?.host() as Promise<TestHost>));
  // Nobody has an answer before everybody has asked.
  store.shut();
  const codes = hosts.map((host) => host.prepare(1).catch(() => undefined));
  await Promise.race(codes);
  store.open();
  expect((await Promise.all(codes)).filter((code) => code !== undefined)).toHaveLength(5);
});

const onLinux = process.platform === 'linux' ? describe : describe.skip;
onLinux('where the limit of open files is low', () => {
  const LOW = 'the limit of open files is too low for WMBP_MAX_SOCKETS: fewer sockets are let in';

  async function logged(openFiles: number, maxSockets: number): Promise<Record<string, unknown>[]> {
    child = new Child(
      ['-c', `ulimit -n ${openFiles}; exec '${process.execPath}' ${MAIN}`],
      { WMBP_MAX_SOCKETS: String(maxSockets) },
      'bash',
    );
    await child.listening();
    return child.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  test('it says so once, and how many sockets it can hold', async () => {
    const [warning, listening, ...more] = await logged(1000, 900);
    expect(warning).toMatchObject({ level: 40, msg: LOW, openFiles: 1000, maxSockets: 800, wanted: 900 });
    expect(listening).toMatchObject({ msg: 'listening', maxSockets: 800 });
    expect(more).toEqual([]);
  });

  test('where it is just high enough, nothing is said', async () => {
    const [listening, ...more] = await logged(1000, 800);
    expect(listening).toMatchObject({ msg: 'listening', maxSockets: 800 });
    expect(more).toEqual([]);
  });

  test('who comes too much is told so, and the process still has what it needs', async () => {
    const [, listening] = await logged(150, 10_000);
    expect(listening).toMatchObject({ msg: 'listening', maxSockets: 75 });
    const { port, adminPort } = listening as { port: number; adminPort: number };
    const url = `ws://127.0.0.1:${port}`;
    const host = await new TestHost(`${url}/CREATE`).opened();
    const peers: TestPeer[] = [host];
    try {
      const code = await host.prepare(100);
      for (let i = 1; i < 75; i += 1) {
        peers.push(new TestPeer(`${url}/${code}`));
        await host.expect('player_joined');
        await host.expect('state');
      }
      const refused = new TestPeer(`${url}/${code}`);
      expect(await refused.closed()).toEqual(TOO_MANY_SOCKETS);
      expect((await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status).toBe(200);
    } finally {
      for (const peer of peers) peer.drop();
    }
  });
});

describe('with no file descriptor left', () => {
  test('those who are there play on, and when some have gone others come in', async () => {
    child = new Child(['-c', `ulimit -n 150; exec '${process.execPath}' ${MAIN}`], {}, 'bash');
    const port = await child.listening();
    const canary = await Canary.open(port);
    // Taken from the kernel or not, a connection is one; the library ends those that say nothing after ten seconds.
    for (let i = 0; i < 200; i += 1) raw.push(await RawPeer.connected(port));
    const outside = new TestPeer(`ws://127.0.0.1:${port}/CREATE`);
    await canary.plays(20);
    expect(outside.waiting).toBe(0);
    for (const peer of raw.splice(0)) peer.drop();
    await outside.opened();
    await outside.next();
    outside.drop();
    await canary.end();
    child.kill('SIGKILL');
    await child.exit();
    expect(child.stderr).toBe('');
  }, 60_000);
});
