/** A Redis user that lacks something: what the operator is told, once, and that nobody is sent to such a node. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startRedisCluster, startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { type Log } from '../src/log.ts';
import { drawNodeId } from '../src/names.ts';
import { openRedis } from '../src/redis/cluster.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { type Shared } from '../src/shared.ts';
import { Nodes } from './nodes.ts';
import { eventually } from './processes.ts';
import { Admins, asUser, commandsOf, rulesOf, SILENT } from './redis-user.ts';

/** Without these a gateway does all its work. */
const OPTIONAL = ['client|setname', 'info'];
const REFUSED = 'redis refuses a command';

let redis: RedisProcess;
let admins: Admins;
let rules: string[];
let nodes: Nodes | undefined;
beforeAll(async () => {
  redis = await startRedisProcess();
  admins = new Admins([redis.port]);
  rules = await rulesOf('users.acl');
});
afterEach(async () => {
  await nodes?.close();
  nodes = undefined;
});
afterAll(async () => {
  admins.close();
  await redis.stop();
});

/** What one node finds out by itself, before it has done anything, and what it writes. */
async function found(refusal: string | undefined, url = redis.url): Promise<object[]> {
  const lines: object[] = [];
  const log: Log = { ...SILENT, error: (fields, event) => void lines.push({ event, ...fields }) };
  let isBack = false;
  const shared: Shared = openRedis(
    parseRedisUrl(asUser(url)),
    drawNodeId(),
    log,
    () => undefined,
    () => (isBack = true),
  );
  await eventually(
    `the refusal to be '${refusal}'`,
    () => Promise.resolve(isBack && shared.trouble() === undefined && shared.refusal() === refusal),
    20_000,
  );
  const before = [...lines];
  await shared.close();
  return before;
}

/** What all nodes say. */
async function readiness(): Promise<Set<string>> {
  const answers = (nodes?.gateways ?? []).map(async ({ adminPort }) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    return `${answer.status} ${(await answer.text()).trim()}`;
  });
  return new Set(await Promise.all(answers));
}

/** All nodes say so, soon. */
async function becomes(expected: string): Promise<void> {
  const isSo = async (): Promise<boolean> => [...(await readiness())].join() === expected;
  await eventually(`all nodes to say '${expected}'`, isSo, 40_000);
}

function refusals(): unknown[] {
  return (nodes?.log ?? []).filter(({ event }) => event === REFUSED).map(({ fields }) => fields);
}

test('each command that is missing is named before anybody needs it, in one line', async () => {
  const { warn } = console;
  // Said by ioredis where INFO is refused.
  console.warn = () => undefined;
  for (const command of commandsOf(rules)) {
    await admins.allow([...rules, `-${command}`]);
    if (OPTIONAL.includes(command)) {
      expect(await found(undefined)).toEqual([]);
      continue;
    }
    const reason = expect.stringMatching(
      /^(NOPERM|ERR ACL failure).* .*'\w+'|^ERR The user executing the script can't run/,
    );
    expect(await found(`redis refuses ${command}`)).toEqual([{ event: REFUSED, command, reason }]);
  }
  console.warn = warn;
}, 120_000);

test('channels that are missing: what it may not do there', async () => {
  await admins.allow(rules.filter((rule) => !rule.startsWith('&')));
  expect(await found('redis refuses publish, subscribe')).toHaveLength(2);
});

test('keys that are missing: what it may not do with them', async () => {
  await admins.allow(rules.map((rule) => (rule === '~wmbp:*' ? '~other:*' : rule)));
  expect((await found('redis refuses set')).length).toBe(1);
});

test('in a Cluster each server is asked', async () => {
  const cluster = await startRedisCluster();
  const everybody = new Admins(cluster.nodes.map(({ port }) => port));
  try {
    const all = await rulesOf('users-cluster.acl');
    await everybody.allow(all);
    expect(await found(undefined, cluster.url)).toEqual([]);
    expect(await everybody.refused()).toEqual([]);
    for (const command of ['evalsha', 'eval', 'hget', 'ping', 'spublish', 'ssubscribe', 'sunsubscribe']) {
      await everybody.allow([...all, `-${command}`]);
      const lines = await found(`redis refuses ${command}`, cluster.url);
      expect(lines).toMatchObject([{ event: REFUSED, command }]);
    }
    await everybody.allow(all);
    await everybody.clients[0]?.call('ACL', 'SETUSER', 'wmbp', '-hset');
    await everybody.clients[1]?.call('ACL', 'SETUSER', 'wmbp', '-hset');
    expect(await found('redis refuses hset', cluster.url)).toHaveLength(1);
  } finally {
    everybody.close();
    await cluster.stop();
  }
}, 120_000);

test('all that is needed is there: nothing is said, and nothing is left in Redis', async () => {
  await admins.allow(rules);
  await admins.all('FLUSHALL');
  expect(await found(undefined)).toEqual([]);
  expect(await admins.refused()).toEqual([]);
  expect(await admins.all('KEYS', '*rights*')).toEqual([[]]);
});

test('a node without a right is not ready and says so once; it is ready when the right is given', async () => {
  await admins.allow([...rules, '-evalsha']);
  nodes = await Nodes.open(1, { WMBP_REDIS_URL: asUser(redis.url) });
  await becomes('503 redis refuses evalsha');
  const closes = await Promise.all(
    Array.from({ length: 20 }, async () => (await (await nodes?.player('ABCD'))?.closed())?.code),
  );
  expect(new Set(closes)).toEqual(new Set([1013]));
  expect(refusals()).toEqual([{ command: 'evalsha', reason: expect.stringMatching(/^NOPERM .*'evalsha'/) }]);
  expect(nodes.failures).toHaveLength(1);
  await admins.allow(rules);
  await becomes('200 ready');
  expect(nodes.log.map(({ event }) => event)).toContain('redis refuses nothing any more');
  const { host, code } = await nodes.room(2);
  await nodes.joined(host, code);
}, 60_000);

test.each(['publish', 'pexpire'])(
  '%s is taken away under a game: one line for many frames, and the game goes on when it is given back',
  async (command) => {
    await admins.allow(rules);
    nodes = await Nodes.open('redis', { WMBP_REDIS_URL: asUser(redis.url) });
    await becomes('200 ready');
    const { host, code } = await nodes.room(4);
    const { player } = await nodes.joined(host, code);
    await admins.all('ACL', 'SETUSER', 'wmbp', `-${command}`);
    for (let i = 0; i < 50; i += 1) player.send(`${i}`);
    await becomes(`503 redis refuses ${command}`);
    // One for each of three nodes; of a script Redis 7.0 does not say which command it was, until we ask.
    const named = refusals().map((fields) => (fields as { command: string }).command);
    expect(named.filter((name) => name === command)).toHaveLength(3);
    expect(named.filter((name) => name !== command && name !== 'evalsha')).toEqual([]);
    expect(named.length).toBeLessThanOrEqual(6);
    await admins.all('ACL', 'SETUSER', 'wmbp', `+${command}`);
    await becomes('200 ready');
    for (let i = 0; i < 50; i += 1) expect(await host.expect('from_str')).toMatchObject({ data: `${i}` });
  },
  120_000,
);
