/** Leases in a Redis that has no room for anything new. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { FakeLog } from '../../test/fakes.ts';
import { ready } from '../../test/redis-ready.ts';
import { type NodeId } from '../names.ts';
import { RedisConnection } from './connect.ts';
import { RedisLeases } from './leases.ts';
import { parseRedisUrl } from './url.ts';

const [ALIVE, NEW] = [1 as NodeId, 2 as NodeId];

let redis: RedisProcess;
let operator: Redis;
let connection: RedisConnection;
beforeEach(async () => {
  redis = await startRedisProcess();
  operator = new Redis(redis.url);
  connection = new RedisConnection(parseRedisUrl(redis.url), 'test', new FakeLog());
  await ready(connection);
});
afterEach(async () => {
  await connection.close();
  operator.disconnect();
  await redis.stop();
});

test('a lease is renewed though there is no memory left; a new one is not to be had', async () => {
  const leases = new RedisLeases(connection, ALIVE);
  const first = await leases.renew();
  await operator.config('SET', 'maxmemory', 1);
  await operator.pexpire(`wmbp:node:${ALIVE}`, 1000);
  expect(await leases.renew()).toEqual({ wasHeld: true, generation: first.generation });
  expect(await operator.pttl(`wmbp:node:${ALIVE}`)).toBeGreaterThan(1000);
  await expect(new RedisLeases(connection, NEW).renew()).rejects.toThrow('OOM');
  await operator.config('SET', 'maxmemory', 0);
  expect(await leases.areHeld([ALIVE, NEW])).toEqual([true, false]);
});

test('every lease runs out by itself, also the one of all nodes together, and renewing puts both off', async () => {
  const leases = new RedisLeases(connection, ALIVE);
  const keys = [`wmbp:node:${ALIVE}`, 'wmbp:nodes'];
  await leases.renew();
  expect((await operator.keys('*')).toSorted()).toEqual(keys.toSorted());
  for (const key of keys) expect(await operator.pttl(key)).toBeGreaterThan(0);
  for (const key of keys) await operator.pexpire(key, 1000);
  await leases.renew();
  for (const key of keys) expect(await operator.pttl(key)).toBeGreaterThan(1000);
});

test('a lease that has run out was not held, and the generation is another one when all of them have', async () => {
  const leases = new RedisLeases(connection, ALIVE);
  const { generation } = await leases.renew();
  await operator.del(`wmbp:node:${ALIVE}`);
  expect(await leases.renew()).toEqual({ wasHeld: false, generation });
  await operator.flushall();
  const after = await leases.renew();
  expect(after.wasHeld).toBe(false);
  expect(after.generation).not.toBe(generation);
});
