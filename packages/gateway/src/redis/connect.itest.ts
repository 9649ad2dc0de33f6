/** A connection to Redis, and none: what is set of the library, what is said in the log, what who waits is told. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { startRedisProcess, within, type RedisProcess } from '@wmbp/testkit';
import { Redis, type Cluster } from 'ioredis';
import { FakeLog } from '../../test/fakes.ts';
import { eventually } from '../../test/processes.ts';
import { ready } from '../../test/redis-ready.ts';
import { drawNodeId } from '../names.ts';
import { Unavailable } from '../unavailable.ts';
import { COMMAND_TIMEOUT_MS, RedisConnection, type ConnectionUse } from './connect.ts';
import { RedisLeases } from './leases.ts';
import { RedisPublisher } from './publisher.ts';
import { Rights } from './rights.ts';
import { parseRedisUrl } from './url.ts';

/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';
/** Of ioredis, each other than by default: nothing waits in a queue, is sent again or hangs. */
const NEVER_TWICE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
};
const BACK_MS = 20_000;

let redis: RedisProcess | undefined;
let connection: RedisConnection | undefined;
afterEach(async () => {
  await connection?.close();
  connection = undefined;
  await redis?.stop();
  redis = undefined;
});

function openTo(url: string, log = new FakeLog(), use: ConnectionUse = {}): RedisConnection {
  connection = new RedisConnection(parseRedisUrl(url), 'test', log, use);
  return connection;
}

describe('of the library is set', () => {
  test('that nothing waits in a queue, is sent again by itself, or is waited for for ever', () => {
    const { options } = openTo(`redis://${NOWHERE}`).client as Redis;
    expect(options).toMatchObject(NEVER_TWICE);
    expect(options.connectTimeout).toBeLessThanOrEqual(3000);
  });

  test('that a master which has become a replica is left', () => {
    const { options } = openTo(`redis://${NOWHERE}`).client as Redis;
    expect(
      options.reconnectOnError?.(new Error("READONLY You can't write against a read only replica.")),
    ).toBe(true);
    expect(options.reconnectOnError?.(new Error('WRONGTYPE'))).toBe(false);
  });

  test('with Sentinels, that a failover is noticed though the master hangs', () => {
    const { options } = openTo(`redis-sentinel://${NOWHERE}/party`).client as Redis;
    expect(options).toMatchObject({
      ...NEVER_TWICE,
      failoverDetector: true,
      sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    });
  });

  test('in a Cluster, that slots are looked at by the clock', () => {
    const { options } = openTo(`redis-cluster://${NOWHERE}`).client as Cluster;
    const { enableOfflineQueue, ...ofServers } = NEVER_TWICE;
    expect(options).toMatchObject({ enableOfflineQueue });
    expect(options.slotsRefreshInterval).toBeLessThanOrEqual(5000);
    expect(options.redisOptions).toMatchObject(ofServers);
  });

  test.each([true, false])(
    'in a Cluster, that a connection goes to each shard to hear, and redirections are ours, where it hears: %p',
    (hears) => {
      const { options } = openTo(`redis-cluster://${NOWHERE}`, new FakeLog(), { hears }).client as Cluster;
      expect(options.shardedSubscribers).toBe(hears);
      expect(options.maxRedirections === 0).toBe(hears);
    },
  );
});

describe('while Redis is away', () => {
  test('who needs it is told within seconds: where nobody answers, and where somebody hangs', async () => {
    await expect(within('an answer', openTo(`redis://${NOWHERE}`).ready(), 10_000)).rejects.toThrow(
      Unavailable,
    );
    await connection?.close();
    redis = await startRedisProcess();
    const hung = openTo(redis.url);
    await ready(hung);
    redis.signal('SIGSTOP');
    const answer = new RedisLeases(hung, drawNodeId()).renew();
    await expect(within('an answer', answer, 10_000)).rejects.toThrow(Unavailable);
  });

  test('that is one line, and its return another one, however often it was tried', async () => {
    redis = await startRedisProcess();
    const log = new FakeLog();
    const own = openTo(redis.url, log);
    await ready(own);
    redis.signal('SIGKILL');
    await eventually('the outage to be noticed', () => Promise.resolve(!own.isAnswering), BACK_MS);
    for (let tries = 0; tries < 2; tries += 1) await expect(own.ready()).rejects.toThrow(Unavailable);
    expect(log.lines).toEqual(['redis is out of reach']);
    await redis.restart();
    await ready(own);
    expect(log.lines).toEqual(['redis is out of reach', 'redis is back']);
  });
});

test('a Redis that refuses to publish is one line, and each envelope is answered', async () => {
  redis = await startRedisProcess(['--user', 'mute', 'on', '>secret', '~*', '+@all', '-publish', '&*']);
  const log = new FakeLog();
  const publisher = new RedisPublisher(
    parseRedisUrl(`redis://mute:secret@127.0.0.1:${redis.port}`),
    new Rights(log),
    log,
  );
  connection = publisher.connection;
  await ready(connection);
  const answers = Array.from(
    { length: 50 },
    () => new Promise<unknown>((resolve) => publisher.publish('wmbp:x', Uint8Array.of(1), resolve)),
  );
  expect(new Set(await within('the answers', Promise.all(answers)))).toEqual(new Set([undefined]));
  expect(log.lines).toEqual(['redis refuses a command']);
});

test('what a Redis that hangs has not answered for is bounded: the rest is refused at once', async () => {
  redis = await startRedisProcess();
  const publisher = new RedisPublisher(parseRedisUrl(redis.url), new Rights(new FakeLog()), new FakeLog());
  connection = publisher.connection;
  await ready(connection);
  redis.signal('SIGSTOP');
  const envelope = new Uint8Array(1024 * 1024);
  let refused = 0;
  for (let i = 0; i < 100; i += 1) publisher.publish('wmbp:x', envelope, () => (refused += 1));
  await Promise.resolve();
  // 64 MiB, and the one with which they are full.
  expect(refused).toBe(35);
});
