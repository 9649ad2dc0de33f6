/** The store in Redis keeps the port's contract, in each form of Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { playerId, ROOM_CODES, roomCodeOf } from '@wmbp/protocol';
import { randomInt } from 'node:crypto';
import {
  NO_FAILOVER_MS,
  startRedis,
  startRedisCluster,
  startRedisProcess,
  type TestRedis,
} from '@wmbp/testkit';
import { Cluster } from 'ioredis';
import { ready } from '../../test/redis-ready.ts';
import { drawEpoch, drawNodeId } from '../names.ts';
import { roomStoreContract } from '../room-store.contract.ts';
import { type NewRoom } from '../room-store.ts';
import { RedisConnection } from './connect.ts';
import { joinKey, playersKey, roomKey } from './keys.ts';
import { RedisRoomStore } from './room-store.ts';
import { Script } from './script.ts';
import { parseRedisUrl } from './url.ts';

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** What PTTL says of a key that never expires; of one that is gone by now, something else. */
const NO_TTL = -1;

const FORMS: readonly (readonly [string, () => Promise<TestRedis>])[] = [
  ['a Redis', startRedis],
  ['the redis-server of this machine', startRedisProcess],
  ['a cluster of six', () => startRedisCluster({ failoverMs: NO_FAILOVER_MS })],
];

describe.each(FORMS)('in %s', (_, start) => {
  let redis: TestRedis;
  let first: RedisConnection;
  let second: RedisConnection;
  beforeAll(async () => {
    redis = await start();
    first = new RedisConnection(parseRedisUrl(redis.url), 'first', LOG);
    second = new RedisConnection(parseRedisUrl(redis.url), 'second', LOG);
    await ready(first, second);
  });
  afterAll(async () => {
    await first.close();
    await second.close();
    await redis.stop();
  });

  roomStoreContract(() =>
    Promise.resolve({
      first: new RedisRoomStore(first, () => undefined),
      second: new RedisRoomStore(second, () => undefined),
      close: () => Promise.resolve(),
    }),
  );

  function newRoom(): NewRoom {
    const code = roomCodeOf(randomInt(ROOM_CODES));
    return { code, epoch: drawEpoch(), name: '', maxPlayers: 3, hostNode: drawNodeId() };
  }

  async function allKeys(): Promise<string[]> {
    const { client } = second;
    const servers = client instanceof Cluster ? client.nodes('master') : [client];
    return (await Promise.all(servers.map((server) => server.keys('wmbp:*')))).flat();
  }

  test('no key of a room is left when it is over', async () => {
    const store = new RedisRoomStore(first, () => undefined);
    const { code, epoch, ...room } = newRoom();
    await store.create({ code, epoch, ...room });
    await store.join(code, room.hostNode);
    await store.close(code, epoch);
    const { client } = second;
    expect(await client.exists(roomKey(code))).toBe(0);
    expect(await client.exists(playersKey(code))).toBe(0);
  });

  test('every key that there is expires, of rooms restored too', async () => {
    const store = new RedisRoomStore(first, () => undefined);
    const [opened, restored] = [newRoom(), newRoom()];
    await store.create(opened);
    await store.join(opened.code, opened.hostNode);
    const members = [[playerId(1), restored.hostNode]] as const;
    await store.assertRoom({ ...restored, openedAtMs: 1, isLocked: false, nextPlayer: 2, members }, true);
    const keys = await allKeys();
    const expected = [opened, restored].flatMap(({ code }) => [roomKey(code), playersKey(code)]);
    expect(keys).toEqual(expect.arrayContaining(expected));
    expect(keys.some((key) => key.includes(':join:'))).toBe(true);
    for (const key of expected) expect(await second.client.pttl(key)).toBeGreaterThan(0);
    const lasting = await Promise.all(keys.map(async (key) => (await second.client.pttl(key)) === NO_TTL));
    expect(keys.filter((_, i) => lasting[i])).toEqual([]);
  });

  test('a room that is kept lives on, and so do its seats', async () => {
    const store = new RedisRoomStore(first, () => undefined);
    const room = newRoom();
    await store.create(room);
    await store.join(room.code, room.hostNode);
    const keys = [roomKey(room.code), playersKey(room.code)];
    for (const key of keys) await second.client.pexpire(key, 60_000);
    await store.keep(room.code);
    for (const key of keys) expect(await second.client.pttl(key)).toBeGreaterThan(60_000);
  });

  test('a join that is carried out twice takes one seat', async () => {
    const store = new RedisRoomStore(first, () => undefined);
    const room = newRoom();
    await store.create(room);
    const keys = [roomKey(room.code), playersKey(room.code), joinKey(room.code, 'this one')];
    const join = (): Promise<unknown> => new Script('join_room').run(first.client, keys, [7, 60_000, 60_000]);
    const answer = await join();
    expect(answer).toMatchObject({ word: 'ok', values: ['1', String(room.epoch), String(room.hostNode)] });
    expect(await join()).toEqual(answer);
    expect(await store.join(room.code, room.hostNode)).toMatchObject({ ok: true, player: 2 });
    expect((await store.seatedNodes(room.code))?.nodes).toHaveLength(2);
  });

  test("a room is as old as Redis' clock says", async () => {
    const { client } = second;
    const server = client instanceof Cluster ? client.nodes('master')[0] : client;
    const nowMs = async (): Promise<number> => {
      const [seconds = 0, micros = 0] = (await server?.time())?.map(Number) ?? [];
      return 1000 * seconds + Math.floor(micros / 1000);
    };
    const before = await nowMs();
    const openedAtMs = await new RedisRoomStore(first, () => undefined).create(newRoom());
    expect(openedAtMs).toBeGreaterThanOrEqual(before);
    expect(openedAtMs).toBeLessThanOrEqual(await nowMs());
  });
});
