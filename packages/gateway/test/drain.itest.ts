/** The end of a node as its peers and its operator see it. */
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestHost, TestPeer, within } from '@wmbp/testkit';
import { Child, MAIN } from './child.ts';
import { Nodes } from './nodes.ts';
import { RawPeer } from './raw-peer.ts';

const RESTARTING = { code: 1012, reason: 'The server restarts.' };
const NOTICE_MS = 2000;
const UPGRADE =
  'GET /ABCD HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
/** A failure that nobody foresaw, brought in from outside: there is no such door in the product. */
const FAILING = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => void Promise.reject(new Error('provoked rejection')));" +
    "process.on('SIGWINCH', () => { throw new Error('provoked exception'); });",
)}`;

let child: Child | undefined;
const peers: TestPeer[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.drop();
  child?.end();
});

async function started(
  args: readonly string[] = [MAIN],
  notice = NOTICE_MS,
): Promise<{ port: number; admin: number }> {
  child = new Child(args, { WMBP_DRAIN_NOTICE_MS: String(notice) });
  const port = await child.listening();
  return { port, admin: Number((await child.wrote(/"adminPort":(\d+)/))[1]) };
}

async function open(port: number, path: string): Promise<TestPeer> {
  const peer = new TestPeer(`ws://127.0.0.1:${port}${path}`);
  peers.push(peer);
  return peer.opened();
}

async function openHost(port: number): Promise<TestHost> {
  const host = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
  peers.push(host);
  await host.opened();
  await host.expect('state');
  return host;
}

async function game(port: number): Promise<{ host: TestHost; player: TestPeer; code: string }> {
  const host = await openHost(port);
  const code = await host.prepare(4);
  const player = await open(port, `/${code}`);
  await host.expect('player_joined');
  await host.expect('state');
  return { host, player, code };
}

describe('SIGTERM', () => {
  test('refuses who is new, leaves who plays in peace until the notice is over, then says stop and 1012', async () => {
    const { port, admin } = await started();
    const { host, player, code } = await game(port);
    const unprepared = await openHost(port);
    const signalledMs = performance.now();
    child?.kill('SIGTERM');
    await child?.wrote(/"draining"/);

    const ready = await fetch(`http://127.0.0.1:${admin}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
    expect(performance.now() - signalledMs).toBeLessThan(NOTICE_MS);
    expect((await fetch(`http://127.0.0.1:${admin}/healthz`)).status).toBe(200);
    expect(await (await open(port, `/${code}`)).closed()).toEqual(RESTARTING);
    const late = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
    peers.push(late);
    await late.expect('stop');
    expect(await late.closed()).toEqual(RESTARTING);
    unprepared.command({ cmd: 'prepare', name: '', max_players: 1 });
    await unprepared.expect('stop');
    expect(await unprepared.closed()).toEqual(RESTARTING);

    let ended = false;
    const end = player.closed().then((close) => {
      ended = true;
      return close;
    });
    for (let i = 0; !ended && performance.now() - signalledMs < NOTICE_MS - 100; i += 1) {
      player.send(String(i));
      expect(await host.expect('from_str')).toMatchObject({ data: String(i) });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(ended).toBe(false);
    await host.expect('stop');
    expect(performance.now() - signalledMs).toBeGreaterThanOrEqual(NOTICE_MS);
    expect(await host.closed()).toEqual(RESTARTING);
    expect(await end).toEqual(RESTARTING);
    expect(await child?.exit()).toEqual({ code: 0, signal: null });
    expect(child?.lines.at(-1)).toContain('"msg":"stopped"');
    expect(child?.stderr).toBe('');
  });
});

test('everybody is closed over a window, not all at once', async () => {
  const { port } = await started([MAIN], 0);
  const hosts = await Promise.all(Array.from({ length: 20 }, () => openHost(port)));
  child?.kill('SIGTERM');
  const closedMs = await Promise.all(
    hosts.map(async (host) => {
      const { close } = await host.drained();
      expect(close).toEqual(RESTARTING);
      return performance.now();
    }),
  );
  expect(Math.max(...closedMs) - Math.min(...closedMs)).toBeGreaterThan(1000);
  expect(await child?.exit()).toEqual({ code: 0, signal: null });
});

describe('in the last moments', () => {
  test('who was accepted before nobody was any more is told to come back', async () => {
    const nodes = await Nodes.open(1, { WMBP_DRAIN_NOTICE_MS: '0' });
    const late = await RawPeer.connected(nodes.playerPort);
    const lookUp = await RawPeer.connected(nodes.playerPort);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const drained = nodes.gateways[0]?.drain();
    await refused(nodes.playerPort);
    await late.write(UPGRADE);
    await lookUp.write('GET /ABCD HTTP/1.1\r\nHost: x\r\n\r\n');
    await drained;
    await nodes.close();
    const bytes = Buffer.from(await late.text(), 'latin1');
    expect(bytes.toString('latin1')).toMatch(/^HTTP\/1.1 101 /);
    expect(bytes.subarray(-2 - RESTARTING.reason.length)).toEqual(
      Buffer.concat([Buffer.of(RESTARTING.code >> 8, RESTARTING.code & 255), Buffer.from(RESTARTING.reason)]),
    );
    expect(await lookUp.text()).toMatch(/^HTTP\/1.1 404 /);
  });

  test('every socket that opens is closed with 1012, up to the last', async () => {
    const { port } = await started([MAIN], 0);
    await openHost(port);
    child?.kill('SIGTERM');
    await child?.wrote(/"draining"/);
    const closes = (await Promise.all([1, 2, 3, 4].map(() => closesOf(port)))).flat();
    expect(closes.length).toBeGreaterThan(4);
    expect(new Set(closes)).toEqual(new Set([JSON.stringify(RESTARTING)]));
    expect(await child?.exit()).toEqual({ code: 0, signal: null });
  }, 30_000);

  /** One socket after another, as long as they open: how each was closed. */
  async function closesOf(port: number): Promise<string[]> {
    const closes: string[] = [];
    for (;;) {
      const peer = new TestPeer(`ws://127.0.0.1:${port}/${closes.length % 2 === 0 ? 'CREATE' : 'ABCD'}`);
      peers.push(peer);
      const isOpen = await peer.opened().then(
        () => true,
        () => false,
      );
      if (!isOpen) return closes;
      closes.push(JSON.stringify((await peer.drained()).close));
    }
  }

  /** Resolves when nobody listens on the port any more. */
  async function refused(port: number): Promise<void> {
    for (;;) {
      const isRefused = await RawPeer.connected(port).then(
        (peer) => peer.drop(),
        () => true,
      );
      if (isRefused) return;
    }
  }
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  'after %s with nobody there it ends when the notice is over',
  async (signal) => {
    await started([MAIN], 0);
    child?.kill(signal);
    expect(await child?.exit(3000)).toEqual({ code: 0, signal: null });
  },
);

test('a second signal ends it at once', async () => {
  const { port } = await started([MAIN], 60_000);
  await openHost(port);
  child?.kill('SIGTERM');
  await child?.wrote(/"draining"/);
  child?.kill('SIGINT');
  expect(await child?.exit(3000)).toEqual({ code: 1, signal: null });
});

test.each([
  ['an unhandled rejection', 'SIGUSR2', 'provoked rejection'],
  ['an uncaught exception', 'SIGWINCH', 'provoked exception'],
] as const)('%s is logged, the node drained, the exit code 1', async (_, signal, message) => {
  const { port } = await started(['--import', FAILING, MAIN], 300);
  const host = await openHost(port);
  child?.kill(signal);
  await child?.wrote(new RegExp(`"level":60.*${message}`));
  await host.expect('stop');
  expect(await host.closed()).toEqual(RESTARTING);
  expect(await child?.exit()).toEqual({ code: 1, signal: null });
});

describe('by the command that users type', () => {
  async function startedByPnpm(): Promise<{ port: number; pid: number }> {
    child = new Child(['-y', 'pnpm', 'start'], { WMBP_DRAIN_NOTICE_MS: '300' }, 'npx');
    const port = await child.listening();
    return { port, pid: Number((await child.wrote(/"pid":(\d+)/))[1]) };
  }

  /** From the server past the shell of the script to pnpm. */
  function parentOf(pid: number): number {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  }

  /** Also when its parents are gone: nothing may be left behind. */
  async function goneFor(pid: number): Promise<void> {
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  test('Ctrl-C drains it', async () => {
    const { port, pid } = await startedByPnpm();
    const { host } = await game(port);
    child?.killGroup('SIGINT');
    await host.expect('stop');
    expect(await host.closed()).toEqual(RESTARTING);
    await within('the server to be gone', goneFor(pid));
    await child?.exit();
  }, 60_000);

  // npx itself dies of SIGTERM without a word to pnpm (npm 9 and 10): there it is the whole group or nothing.
  test('SIGTERM to pnpm drains it too', async () => {
    const { port, pid } = await startedByPnpm();
    const { host } = await game(port);
    process.kill(parentOf(parentOf(pid)), 'SIGTERM');
    await host.expect('stop');
    expect(await host.closed()).toEqual(RESTARTING);
    await within('the server to be gone', goneFor(pid));
    await child?.exit();
  }, 60_000);
});
