/** The Redis user of deploy/redis/users.acl may do what a gateway does, and nothing of it is too much. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { roomCodeOf } from '@wmbp/protocol';
import { ROOT, startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { eventually } from './processes.ts';
import { Admins, asUser, commandsOf, doEverything, rulesOf } from './redis-user.ts';

const CODE = roomCodeOf(4711);
/** Without these everything is done all the same. */
const MISSED_LATER: Readonly<Record<string, string>> = {
  'client|setname': 'CLIENT LIST does not say which connection is whose',
  info: 'a Redis that is still loading is taken for ready',
  ping: 'the node is not ready, since what is answered is a refusal',
  unsubscribe: 'channels of rooms that are over are heard for ever',
};

let redis: RedisProcess;
let rules: string[];
let admins: Admins;
beforeAll(async () => {
  redis = await startRedisProcess();
  rules = await rulesOf('users.acl');
  admins = new Admins([redis.port]);
});
afterAll(async () => {
  admins.close();
  await redis.stop();
});

test('it may do everything that a gateway does', async () => {
  await admins.allow(rules);
  expect(await doEverything(asUser(redis.url), CODE)).toEqual([]);
  expect(await admins.refused()).toEqual([]);
});

test('each command that it may is one that a gateway calls, and is missed when it may not', async () => {
  const { warn } = console;
  // Said by ioredis where INFO is refused.
  console.warn = () => undefined;
  for (const [index, command] of commandsOf(rules).entries()) {
    await admins.allow([...rules, `-${command}`]);
    // A room of its own: without some commands it is never closed.
    const failures = await doEverything(asUser(redis.url), roomCodeOf(index));
    expect([command, (await admins.refused()).includes(command)]).toEqual([command, true]);
    expect([command, failures.length > 0]).toEqual([command, !(command in MISSED_LATER)]);
  }
  console.warn = warn;
}, 120_000);

describe('it may not', () => {
  test.each<[string, string[]]>([
    ['look at keys of others', ['GET', 'other:key']],
    ['write keys of others, by a script either', ['EVAL', "return redis.call('SET', 'other:key', '1')", '0']],
    ['speak on channels of others', ['PUBLISH', 'other:channel', 'x']],
    ['list keys', ['KEYS', '*']],
    ['empty the database', ['FLUSHALL']],
    ['change settings', ['CONFIG', 'SET', 'maxmemory', '1']],
    ['see users', ['ACL', 'LIST']],
  ])('%s', async (_, [name = '', ...args]) => {
    await admins.allow(rules);
    const client = new Redis(asUser(redis.url));
    await expect(client.call(name, ...args)).rejects.toThrow(/NOPERM|can't access|permission/i);
    client.disconnect();
  });
});

test('a database other than 0 takes the right to select it, and nothing else', async () => {
  const url = `${asUser(redis.url)}/3`;
  await admins.allow([...rules, '+select']);
  expect(await doEverything(url, CODE)).toEqual([]);
  expect(await admins.refused()).toEqual([]);
  await admins.allow(rules);
  expect(await doEverything(url, CODE)).toEqual([]);
  // ioredis says nothing of it, and the database is 0.
  expect(new Set(await admins.refused())).toEqual(new Set(['select']));
});

describe('Redis loads', () => {
  test.each(['users.acl', 'users-cluster.acl'])(
    '%s; nobody without a password may do anything',
    async (name) => {
      const file = join(ROOT, 'deploy/redis', name);
      const master = await startRedisProcess(['--aclfile', file, '--repl-diskless-sync-delay', '0']);
      const replica = await startRedisProcess([
        '--aclfile',
        file,
        '--masterauth',
        'change-me-too',
        '--replicaof',
        `127.0.0.1 ${master.port}`,
      ]);
      const nobody = new Redis(master.url, { protocol: 2, enableReadyCheck: false });
      const admin = new Redis(replica.port, '127.0.0.1', { protocol: 2, password: 'change-me-too' });
      try {
        if (name === 'users.acl') expect(await doEverything(asUser(master.url), CODE)).toEqual([]);
        nobody.on('error', () => undefined);
        await expect(nobody.get('wmbp:nodes')).rejects.toThrow('NOAUTH');
        const isInStep = async (): Promise<boolean> =>
          (await admin.info('replication')).includes('link_status:up');
        await eventually('the replica to be in step', isInStep, 10_000);
      } finally {
        nobody.disconnect();
        admin.disconnect();
        await replica.stop();
        await master.stop();
      }
    },
  );
});
