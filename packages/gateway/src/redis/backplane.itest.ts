/** The backplane in Redis keeps the port's contract, with plain and with sharded pub/sub. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import {
  NO_FAILOVER_MS,
  startRedis,
  startRedisCluster,
  startRedisProcess,
  type TestRedis,
} from '@wmbp/testkit';
import { ready } from '../../test/redis-ready.ts';
import { backplaneContract } from '../backplane.contract.ts';
import { drawNodeId } from '../names.ts';
import { RedisBackplane } from './backplane.ts';
import { Rights } from './rights.ts';
import { parseRedisUrl } from './url.ts';

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const FORMS: readonly (readonly [string, () => Promise<TestRedis>])[] = [
  ['a Redis', startRedis],
  ['the redis-server of this machine', startRedisProcess],
  ['a cluster of six', () => startRedisCluster({ failoverMs: NO_FAILOVER_MS })],
];

describe.each(FORMS)('in %s', (_, start) => {
  let redis: TestRedis;
  let first: RedisBackplane;
  let second: RedisBackplane;
  beforeAll(async () => {
    redis = await start();
    const target = parseRedisUrl(redis.url);
    first = new RedisBackplane(target, drawNodeId(), new Rights(LOG), LOG);
    second = new RedisBackplane(target, drawNodeId(), new Rights(LOG), LOG);
    await ready(...first.connections, ...second.connections);
  });
  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
    await redis.stop();
  });

  // Each test has channels of its own; connecting to a cluster takes longer than the test.
  backplaneContract(() => Promise.resolve({ first, second, close: () => Promise.resolve() }));
});
