/** The store in Redis keeps the port's contract, in each form of Redis. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { roomCodeOf } from '@wmbp/protocol';
import { startRedis, startRedisCluster, startRedisProcess, type TestRedis } from '@wmbp/testkit';
import { drawEpoch, drawNodeId } from '../names.ts';
import { roomStoreContract } from '../room-store.contract.ts';
import { RedisConnection } from './connect.ts';
import { RedisRoomStore } from './room-store.ts';
import { parseRedisUrl } from './url.ts';

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const FORMS: readonly (readonly [string, () => Promise<TestRedis>])[] = [
  ['a Redis', startRedis],
  ['the redis-server of this machine', startRedisProcess],
  ['a cluster of six', startRedisCluster],
];

describe.each(FORMS)('in %s', (_, start) => {
  let redis: TestRedis;
  let first: RedisConnection;
  let second: RedisConnection;
  beforeAll(async () => {
    redis = await start();
    first = new RedisConnection(parseRedisUrl(redis.url), 'first', LOG);
    second = new RedisConnection(parseRedisUrl(redis.url), 'second', LOG);
    await Promise.all([first.ready(), second.ready()]);
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

  test('no key of a room is left when it is over, and each expires while it lives', async () => {
    const store = new RedisRoomStore(first, () => undefined);
    const code = roomCodeOf(7);
    const room = { code, epoch: drawEpoch(), name: '', maxPlayers: 3, hostNode: drawNodeId() };
    await store.create(room);
    await store.join(code, room.hostNode);
    const { client } = second;
    const { playersKey, roomKey } = await import('./keys.ts');
    expect(await client.pttl(roomKey(code))).toBeGreaterThan(0);
    expect(await client.pttl(playersKey(code))).toBeGreaterThan(0);
    await store.close(code, room.epoch);
    expect(await client.exists(roomKey(code))).toBe(0);
    expect(await client.exists(playersKey(code))).toBe(0);
  });
});
