/** What is written, for whom, and what cannot be made to be written. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestHost, TestPeer, within } from '@wmbp/testkit';
import { Child, MAIN } from './child.ts';
import { RawPeer } from './raw-peer.ts';

const ODD = '\u001B[31mRED"}\n{"level":60,"msg":"forged"}';

let child: Child | undefined;
const peers: { drop(): void }[] = [];
afterEach(() => {
  for (const peer of peers.splice(0)) peer.drop();
  child?.end();
});

async function openHost(port: number): Promise<TestHost> {
  const host = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
  peers.push(host);
  await host.opened();
  await host.expect('state');
  return host;
}

async function openPlayer(port: number, code: string): Promise<TestPeer> {
  const player = new TestPeer(`ws://127.0.0.1:${port}/${code}`);
  peers.push(player);
  return player.opened();
}

/** A short game that says odd things wherever a peer can say something. */
async function playOddGame(port: number): Promise<string> {
  const host = await openHost(port);
  const code = await host.prepare(2, ODD);
  const player = await openPlayer(port, code);
  await host.expect('player_joined');
  await host.expect('state');
  player.send(ODD);
  await host.expect('from_str');
  host.send(ODD);
  await host.expect('error');
  player.close(1000, ODD.slice(0, 20));
  await host.expect('player_left');
  const raw = await RawPeer.connected(port);
  peers.push(raw);
  await raw.write(`GET /${encodeURI(ODD)} HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'\u001B'}[2J\r\n\r\n`);
  await raw.text();
  host.close(1000);
  return code;
}

describe('where nobody looks, JSON lines', () => {
  test('one for a room opened, one for it closed; nothing of what peers say', async () => {
    child = new Child([MAIN], { WMBP_LOG_LEVEL: 'trace' });
    const port = await child.listening();
    const room = await playOddGame(port);
    await child.wrote(/"room closed"/);
    const lines = child.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ msg }) => msg)).toEqual(['listening', 'room opened', 'room closed']);
    expect(lines[1]).toMatchObject({ level: 30, room, maxPlayers: 2 });
    expect(lines[2]).toMatchObject({ level: 30, room, why: 'hostGone' });
    expect(child.stdout).not.toMatch(/RED|forged/);
    expect(child.stderr).toBe('');
  });

  test('of many rooms ten lines a second and a sum', async () => {
    child = new Child([MAIN]);
    const port = await child.listening();
    const startedMs = performance.now();
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const host = await openHost(port);
        await host.prepare(1);
        host.drop();
      }),
    );
    const sums = { opened: 0, closed: 0 };
    const lineOf = (msg: string): number => child?.lines.filter((line) => line.includes(msg)).length ?? 0;
    while (sums.opened + lineOf('"room opened"') < 100 || sums.closed + lineOf('"room closed"') < 100) {
      await child.wrote(new RegExp(`(?:more rooms[^]*){${lineOf('more rooms') + 1}}`));
      sums.opened = 0;
      sums.closed = 0;
      for (const line of child.lines.filter((each) => each.includes('more rooms'))) {
        const { opened, closed } = JSON.parse(line) as typeof sums;
        sums.opened += opened;
        sums.closed += closed;
      }
    }
    const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 1;
    expect(child.lines.length).toBeLessThanOrEqual(1 + 11 * seconds);
  });

  test('of thousands that are turned away a line a second', async () => {
    child = new Child([MAIN]);
    const port = await child.listening();
    const startedMs = performance.now();
    for (let i = 0; i < 20; i += 1) {
      const batch = await Promise.all(
        Array.from({ length: 100 }, () => new TestPeer(`ws://127.0.0.1:${port}/nothing`).opened()),
      );
      await Promise.all(batch.map((peer) => peer.closed()));
    }
    await child.wrote(/"notARoom":\d+[^]*$/);
    const seconds = Math.ceil((performance.now() - startedMs) / 1000) + 1;
    expect(child.lines.length).toBeLessThanOrEqual(1 + seconds);
  }, 60_000);
});

describe('a reader of the log', () => {
  /** A pipe that is full before the server writes its first line, and that nobody reads. */
  function fullPipe(): Child {
    const script = `exec 3> >(exec sleep 60); head -c 65536 /dev/zero >&3; exec '${process.execPath}' ${MAIN} >&3`;
    return new Child(
      ['-c', script],
      { WMBP_PORT: '18567', WMBP_DRAIN_NOTICE_MS: '0', WMBP_ADMIN_PORT: '' },
      'bash',
    );
  }

  async function reachable(port: number): Promise<void> {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  test('that reads nothing stops neither a game nor the end', async () => {
    child = fullPipe();
    await within('the server to answer', reachable(18_567), 20_000);
    for (let i = 0; i < 20; i += 1) await playOddGame(18_567);
    const gone = new Promise((resolve) => child?.process.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await within('the end of the process', gone, 8000)).toBe(0);
  }, 60_000);

  test('that is gone stops neither a game nor the end', async () => {
    child = new Child([MAIN], { WMBP_DRAIN_NOTICE_MS: '0' });
    const port = await child.listening();
    child.process.stdout?.destroy();
    for (let i = 0; i < 20; i += 1) await playOddGame(port);
    child.kill('SIGTERM');
    expect(await child.exit(8000)).toEqual({ code: 0, signal: null });
  }, 60_000);
});

test('on a terminal, lines for people, which no peer can forge either', async () => {
  // The terminal outlives the server: `script` does not wait for what is still on its way when its command ends.
  child = new Child(
    ['-qec', `'${process.execPath}' ${MAIN}; echo ended $?; exec sleep 60`, '/dev/null'],
    { WMBP_DRAIN_NOTICE_MS: '0', TERM: 'xterm' },
    'script',
  );
  // eslint-disable-next-line no-control-regex
  const plain = (): string => (child?.stdout ?? '').replaceAll(/\u001B\[\d+m/g, '');
  await child.wrote(/listening[^]*port[^]*adminHost/);
  const port = Number(/ port: (\d+)/.exec(plain())?.[1]);
  expect(plain()).toMatch(/^\[[\d:.]+\] INFO: listening/);
  const room = await playOddGame(port);
  await child.wrote(/room closed[^]*players/);
  expect(plain()).toContain(`"${room}"`);
  for (const odd of ['RED', 'forged', '\u001B']) expect(plain()).not.toContain(odd);
  process.kill(childOf(childOf(child.pid)), 'SIGTERM');
  await child.wrote(/ended \d/);
  expect(plain()).toMatch(/stopped[^]*ended 0/);
}, 60_000);

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}
