/** Hosts that open no room: they may wait, not for ever, and keep nobody out. */
import { afterEach, expect, test } from '@jest/globals';
import { type TestHost } from '@wmbp/testkit';
import { Nodes } from './nodes.ts';
import { RawPeer } from './raw-peer.ts';

const NOT_PREPARED = { code: 4004, reason: 'The room was not prepared in time.' };
const TOO_MANY_IDLE = { code: 1013, reason: 'Too many hosts without a room, try again later.' };

let nodes: Nodes;
afterEach(() => nodes.close());

async function expectEnd(host: TestHost, close: { code: number; reason: string }): Promise<void> {
  await host.expect('stop');
  expect(await host.closed()).toEqual(close);
}

test('who does not prepare in time is told stop and closed; who has prepared stays', async () => {
  nodes = await Nodes.open(1, { WMBP_PREPARE_TIMEOUT_SECONDS: '1' });
  const { host } = await nodes.room(1);
  const startedMs = performance.now();
  const idle = await nodes.host();
  await expectEnd(idle, NOT_PREPARED);
  expect(performance.now() - startedMs).toBeGreaterThan(900);
  host.command({ cmd: 'prepare', name: '', max_players: 1 });
  await host.expect('prepare_reply');
});

test('talking without preparing buys no time', async () => {
  nodes = await Nodes.open(1, { WMBP_PREPARE_TIMEOUT_SECONDS: '1' });
  const idle = await nodes.host();
  const chatter = setInterval(() => idle.send('{"cmd":"start"}'), 50);
  const { close } = await idle.drained(3000);
  clearInterval(chatter);
  expect(close).toEqual(NOT_PREPARED);
});

test('beyond a quarter of all sockets the oldest makes room, and every host that prepares gets its room', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_SOCKETS: '40' });
  const idle: TestHost[] = [];
  for (let i = 0; i < 10; i += 1) idle.push(await nodes.host());
  for (let i = 0; i < 5; i += 1) {
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
    await expectEnd(idle[i] as TestHost, TOO_MANY_IDLE);
    idle.push(await nodes.host());
  }
  expect((idle[5] as TestHost).waiting).toBe(0);
  expect(nodes.failures).toEqual([]);
});

test('thousands that never say a word keep no honest host out', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_SOCKETS: '400' });
  const { hostPort } = nodes;
  const silent: RawPeer[] = [];
  // Many at a time: one by one they take as long as the machine is busy with something else.
  for (let i = 0; i < 40; i += 1) {
    const more = Array.from({ length: 50 }, () => RawPeer.upgraded(hostPort, '/CREATE'));
    silent.push(...(await Promise.all(more)));
    if (i % 4 > 0) continue;
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
  }
  for (const peer of silent) peer.drop();
  expect(nodes.failures).toEqual([]);
});
