/** What a node does with each answer that a Redis Cluster has for it while a slot moves, whatever its version says. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { roomCodeOf } from '@wmbp/protocol';
import { channelOf } from '../src/channels.ts';
import { drawEpoch, drawNodeId } from '../src/names.ts';
import { slotOf, tagOf } from '../src/partitions.ts';
import { openRedis, type RedisShared } from '../src/redis/cluster.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { RoomMoving, Unavailable } from '../src/unavailable.ts';
import { FakeCluster, type FakeCommand } from './fake-cluster.ts';
import { eventually, lasting } from './processes.ts';
import { SILENT } from './redis-user.ts';

/** In the lower half. */
const CODE = roomCodeOf(0);
const SLOT = slotOf(tagOf(CODE));
const NODE = drawNodeId();
const CHANNEL = channelOf(CODE, NODE);
const ROOM = { code: CODE, epoch: drawEpoch(), name: '', maxPlayers: 8, hostNode: NODE };
const NOBODY_LISTENS = 1;
/** A store is patient for 2 s to be there, and as long to answer; the rest is for a busy machine. */
const GIVEN_UP_MS = 15_000;

let cluster: FakeCluster;
let shared: RedisShared;
let unhandled: unknown[];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

beforeEach(async () => {
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
  cluster = await FakeCluster.start();
  await new Promise<void>((onReturn) => {
    shared = openRedis(parseRedisUrl(cluster.url), NODE, SILENT, () => undefined, onReturn);
  });
});

afterEach(async () => {
  await shared.close();
  await cluster.stop();
  process.off('unhandledRejection', onUnhandled);
});

/** Everything that was rejected has been found unhandled by then. */
async function expectAllHandled(): Promise<void> {
  await lasting(50);
  expect(unhandled).toEqual([]);
}

function isAbout({ args }: FakeCommand): boolean {
  return args.includes(CHANNEL);
}

const redirected = (word: 'ASK' | 'MOVED', port: number): string => `-${word} ${SLOT} 127.0.0.1:${port}\r\n`;
const TRYAGAIN = '-TRYAGAIN Multiple keys request during rehashing of slot\r\n';

test('ending a subscription whose slot is on its way harms nobody, and is said again when it is still heard', async () => {
  await shared.backplane.subscribe(CHANNEL, () => undefined);
  let isOnItsWay = true;
  cluster.answer = (command) =>
    isOnItsWay && command.name === 'SUNSUBSCRIBE' ? redirected('ASK', cluster.ports[1] ?? 0) : undefined;
  await shared.backplane.unsubscribe(CHANNEL);
  const ends = (): number =>
    cluster.asked.filter((each) => each.name === 'SUNSUBSCRIBE' && isAbout(each)).length;
  expect(ends()).toBe(1);
  isOnItsWay = false;
  cluster.say(CHANNEL, 'to nobody');
  await eventually('it to be ended', () => Promise.resolve(ends() === 1 + NOBODY_LISTENS), 5000);
  await expectAllHandled();
});

test.each(['ASK', 'MOVED'] as const)(
  'a subscription refused by %s is there as soon as the slot is',
  async (word) => {
    let refusals = 3;
    cluster.answer = (command) => {
      if (command.name !== 'SSUBSCRIBE' || !isAbout(command) || refusals === 0) return undefined;
      refusals -= 1;
      return redirected(word, cluster.ports[1] ?? 0);
    };
    await shared.backplane.subscribe(CHANNEL, () => undefined);
    expect(refusals).toBe(0);
    await expectAllHandled();
  },
);

test('a subscription whose slot never arrives is refused in seconds', async () => {
  cluster.answer = (command) =>
    command.name === 'SSUBSCRIBE' && isAbout(command) ? redirected('ASK', cluster.ports[1] ?? 0) : undefined;
  const startedAtMs = performance.now();
  await expect(shared.backplane.subscribe(CHANNEL, () => undefined)).rejects.toBeInstanceOf(RoomMoving);
  expect(performance.now() - startedAtMs).toBeLessThan(GIVEN_UP_MS);
  await expectAllHandled();
});

test('a room whose keys are on their way for more than a second is joined when they have arrived', async () => {
  const untilMs = performance.now() + 1300;
  cluster.answer = ({ name }) => {
    if (!name.startsWith('EVAL')) return undefined;
    return performance.now() < untilMs ? TRYAGAIN : '*4\r\n$2\r\nok\r\n:7\r\n:5\r\n:9\r\n';
  };
  await expect(shared.store.join(CODE, NODE)).resolves.toEqual({
    ok: true,
    player: 7,
    epoch: 5,
    hostNode: 9,
  });
});

test('a room is not opened where keys are on their way: another code lies elsewhere', async () => {
  const untilMs = performance.now() + 1300;
  cluster.answer = ({ name }) => {
    if (!name.startsWith('EVAL')) return undefined;
    return performance.now() < untilMs ? TRYAGAIN : '*2\r\n$2\r\nok\r\n:7\r\n';
  };
  const startedAtMs = performance.now();
  await expect(shared.store.create(ROOM)).rejects.toBeInstanceOf(RoomMoving);
  expect(performance.now() - startedAtMs).toBeLessThan(GIVEN_UP_MS);
  await expectAllHandled();
});

test('a room whose keys never arrive is refused in seconds', async () => {
  cluster.answer = ({ name }) => (name.startsWith('EVAL') ? TRYAGAIN : undefined);
  const startedAtMs = performance.now();
  await expect(shared.store.join(CODE, NODE)).rejects.toBeInstanceOf(Unavailable);
  expect(performance.now() - startedAtMs).toBeLessThan(GIVEN_UP_MS);
  await expectAllHandled();
});

test('keys are asked for at the server that they are moved to, which says so', async () => {
  cluster.answer = ({ name, server }) => {
    if (name !== 'HMGET') return undefined;
    return server === 0
      ? redirected('ASK', cluster.ports[1] ?? 0)
      : '*3\r\n$4\r\nquiz\r\n$1\r\n5\r\n$1\r\n9\r\n';
  };
  await expect(shared.store.find(CODE)).resolves.toMatchObject({ name: 'quiz', epoch: 5, hostNode: 9 });
  const there = cluster.asked.filter(({ name, server }) => server === 1 && /^(?:ASKING|HMGET)$/.test(name));
  expect(there.map(({ name }) => name)).toEqual(['ASKING', 'HMGET']);
});

test('the server that keys are moved to cannot be reached: whoever wants them is refused, and the node lives', async () => {
  const NOTHING_LISTENS = 9;
  cluster.answer = ({ name }) =>
    name === 'HMGET' || name === 'SPUBLISH' ? redirected('ASK', NOTHING_LISTENS) : undefined;
  await expect(shared.store.find(CODE)).rejects.toBeInstanceOf(Unavailable);
  const published = new Promise((onAnswer) => shared.backplane.publish(CHANNEL, Uint8Array.of(1), onAnswer));
  await expect(published).resolves.toBeUndefined();
  await expectAllHandled();
});
