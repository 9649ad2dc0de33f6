/** The backplane in Redis keeps the port's contract, with plain and with sharded pub/sub. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { startRedis, startRedisCluster, startRedisProcess, type TestRedis } from '@wmbp/testkit';
import { backplaneContract } from '../backplane.contract.ts';
import { drawNodeId } from '../names.ts';
import { RedisBackplane } from './backplane.ts';
import { Rights } from './rights.ts';
import { parseRedisUrl } from './url.ts';

const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const FORMS: readonly (readonly [string, () => Promise<TestRedis>])[] = [
  ['a Redis', startRedis],
  ['the redis-server of this machine', startRedisProcess],
  ['a cluster of six', startRedisCluster],
];

describe.each(FORMS)('in %s', (_, start) => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await start();
  });
  afterAll(() => redis.stop());

  backplaneContract(async () => {
    const target = parseRedisUrl(redis.url);
    const [first, second] = [drawNodeId(), drawNodeId()].map(
      (node) => new RedisBackplane(target, node, new Rights(LOG), LOG),
    ) as [RedisBackplane, RedisBackplane];
    const connections = [...first.connections, ...second.connections];
    await Promise.all(connections.map((connection) => connection.ready()));
    return { first, second, close: async () => void (await Promise.all([first.close(), second.close()])) };
  });
});
