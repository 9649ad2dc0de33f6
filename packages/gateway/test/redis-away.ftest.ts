/** Redis is out of reach for a while, dead or hung: who is not concerned plays on, who is gets an answer in time. */
import { expect } from '@jest/globals';
import { type RoomCode } from '@wmbp/protocol';
import { type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { playersKey, roomKey } from '../src/redis/keys.ts';
import { away, joinsAgain, SETTLED_MS, type Interval, type Outage } from './outage.ts';
import { atOnce, eventually, type Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

/** Who waits for Redis is answered by then. */
const ANSWERED_MS = 10_000;
const UNAVAILABLE = { code: 1013, reason: 'Rooms are out of reach, try again later.' };

atOnce({
  ...scenarios('killed'),
  ...scenarios('hung'),
});

function scenarios(outage: Outage): Record<string, () => Promise<void>> {
  return {
    [`${outage}: a room on one node plays on; who comes is refused in time; all is well by itself afterwards`]:
      () => away(outage, 2, untouchedAndRefused),
    [`${outage}: what peers did meanwhile is in effect afterwards`]: () =>
      away(outage, 2, inEffectAfterwards),
  };
}

async function untouchedAndRefused(nodes: Processes, { begin, end, redis }: Interval): Promise<void> {
  const { host, code } = await nodes.room(0, 4, 'quiz');
  const players = [await nodes.joined(0, host, code), await nodes.joined(0, host, code)];
  const single = await nodes.room(0, 1, 'single');
  const hostSees = new HostWatch(host);
  const watches = players.map(({ player }) => new PlayerWatch(player));
  for (const peer of [host, ...players.map(({ player }) => player)]) nodes.talk(peer);
  for (const watch of watches) await watch.hearsMore();

  begin();
  const refused: Promise<void>[] = [];
  for (const index of [0, 1]) {
    refused.push(refusesJoin(nodes, index, single.code), refusesCreate(nodes, index));
    refused.push(findsNothingFalse(nodes, index, single.code), findsNothingFalse(nodes, index, 'QQQQ'));
  }
  await Promise.all(refused);
  for (const index of [0, 1]) {
    const isUnready = async (): Promise<boolean> => /^503 \w+/.test(await nodes.probe(index, '/readyz'));
    await eventually(`gateway ${index} to be unready`, isUnready, 5000);
    expect(await nodes.probe(index, '/healthz')).toBe('200 ok');
  }
  for (const watch of watches) await watch.hearsMore(1000);
  for (const { id } of players) await hostSees.hearsMore(id, 1000);
  await end();

  await eventually(
    'both gateways to be ready again',
    async () =>
      (await Promise.all([0, 1].map((index) => nodes.probe(index, '/readyz')))).every((answer) =>
        answer.startsWith('200'),
      ),
    SETTLED_MS,
  );
  const late = await joinsAgain(nodes, 1, single.code);
  expect((await single.host.expect('player_joined')).player).toBeGreaterThan(0);
  late.send('here');
  await single.host.expect('state');
  expect(await single.host.nextEvent()).toMatchObject({ cmd: 'from_str', data: 'here' });
  expect(await (await nodes.player(0, single.code)).closed()).toMatchObject({ code: 4502 });
  const another = await nodes.room(1, 1);
  await onlyRooms(redis, [code, single.code, another.code]);
  for (const watch of watches) await watch.hearsMore();
  for (const { id } of players) await hostSees.hearsMore(id);
  expect(hostSees.left).toEqual([]);
  expectWhole(hostSees, ...watches);
  expect(nodes.failures).toEqual([]);
}

async function inEffectAfterwards(nodes: Processes, { begin, end, redis }: Interval): Promise<void> {
  const left = await nodes.room(0, 1);
  const leaver = await nodes.joined(0, left.host, left.code);
  const leftAway = await nodes.room(0, 1);
  const awayLeaver = await nodes.joined(1, leftAway.host, leftAway.code);
  const stopped = await nodes.room(0, 4);
  const stoppedGuest = await nodes.joined(1, stopped.host, stopped.code);
  const dropped = await nodes.room(1, 4);
  const started = await nodes.room(0, 4);
  const kicking = await nodes.room(0, 1);
  const kicked = await nodes.joined(1, kicking.host, kicking.code);
  const awayHostSees = new HostWatch(leftAway.host);
  const stoppedGuestSees = new PlayerWatch(stoppedGuest.player);
  const kickedSees = new PlayerWatch(kicked.player);
  const kickingSees = new HostWatch(kicking.host);

  begin();
  leaver.player.close();
  awayLeaver.player.close();
  stopped.host.command({ cmd: 'stop' });
  dropped.host.drop();
  started.host.command({ cmd: 'start' });
  kicking.host.command({ cmd: 'kick', player: kicked.id });
  expect(await left.host.expect('player_left')).toMatchObject({ player: leaver.id });
  expect(await left.host.expect('state')).toMatchObject({ players: [] });
  await end();
  const sinceMs = performance.now();

  const { code } = await stoppedGuestSees.closed(SETTLED_MS);
  expect([1001, 1013, 4006]).toContain(code);
  expect([4504, 1013]).toContain((await kickedSees.closed(SETTLED_MS)).code);
  await awayHostSees.until('the leaver to have left', () => awayHostSees.left.length === 1, SETTLED_MS);
  await kickingSees.until('the kicked one to have left', () => kickingSees.left.length === 1, SETTLED_MS);
  await onlyRooms(redis, [left.code, leftAway.code, started.code, kicking.code]);
  await joinsAgain(nodes, 1, left.code);
  expect(await left.host.expect('player_joined')).not.toMatchObject({ player: leaver.id });
  for (const index of [0, 1]) {
    await joinsAgain(nodes, index, [leftAway.code, kicking.code][index] ?? '');
    expect(await (await nodes.player(index, started.code)).closed()).toMatchObject({ code: 4503 });
    expect(await nodes.lookUp(index, stopped.code)).toBe('404');
    expect(await nodes.lookUp(index, dropped.code)).toBe('404');
  }
  await awayHostSees.until('the next one', () => awayHostSees.joined.length === 1);
  await kickingSees.until('the next one', () => kickingSees.joined.length === 1);
  expect([awayHostSees.left, kickingSees.left]).toEqual([[awayLeaver.id], [kicked.id]]);
  expect(performance.now() - sinceMs).toBeLessThan(SETTLED_MS);
  expect(nodes.failures).toEqual([]);
}

async function refusesJoin(nodes: Processes, index: number, code: string): Promise<void> {
  const player = await nodes.player(index, code);
  expect(await player.closed(ANSWERED_MS)).toEqual(UNAVAILABLE);
}

async function refusesCreate(nodes: Processes, index: number): Promise<void> {
  const host = await nodes.host(nodes.server(index).port);
  host.command({ cmd: 'prepare', name: '', max_players: 4 });
  expect(await host.nextEvent(ANSWERED_MS)).toEqual({ cmd: 'stop' });
  expect(await host.closed()).toEqual(UNAVAILABLE);
}

/** A code that cannot be looked up is not unknown. */
async function findsNothingFalse(nodes: Processes, index: number, code: string): Promise<void> {
  const startedAtMs = performance.now();
  expect(await nodes.lookUp(index, code)).toBe('503');
  expect(performance.now() - startedAtMs).toBeLessThan(ANSWERED_MS);
}

/** Of rooms that ended, or never were, Redis holds nothing in the end. */
async function onlyRooms(redis: RedisProcess, codes: readonly string[]): Promise<void> {
  const client = new Redis(redis.url);
  const expected = codes.map((code) => roomKey(code as RoomCode));
  const players = codes.map((code) => playersKey(code as RoomCode));
  try {
    await eventually(
      'redis to hold these rooms and no other',
      async () => {
        const keys = (await client.keys('wmbp:*')).filter((key) => !/^wmbp:node|:join:/.test(key));
        const others = keys.filter((key) => !expected.includes(key) && !players.includes(key));
        return others.length === 0 && expected.every((key) => keys.includes(key));
      },
      SETTLED_MS,
    );
  } finally {
    await client.quit();
  }
}
