/** The Redis user for operators through whole games: a node that dies, a Redis that forgets, Sentinel, a Cluster. */
import { expect } from '@jest/globals';
import { roomCodeOf, type RoomCode } from '@wmbp/protocol';
import { startRedisCluster, startRedisProcess, startRedisSentinels } from '@wmbp/testkit';
import { slotOf, tagOf } from '../src/partitions.ts';
import { RedisConnection } from '../src/redis/connect.ts';
import { roomKey } from '../src/redis/keys.ts';
import { RedisRoomStore } from '../src/redis/room-store.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { atOnce, eventually, Processes } from './processes.ts';
import { Admins, asUser, commandsOf, doEverything, rulesOf, SILENT } from './redis-user.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

const CODE = roomCodeOf(4711);
/** Without these everything is done all the same; redis-user.itest.ts says what is missed later. */
const NOT_MISSED_AT_ONCE = ['client|setname', 'info', 'ping', 'sunsubscribe', 'readonly'];
/** Called when slots move; and, now and then, when a replica becomes a master, whose connection is told so. */
const RARE = ['asking', 'readwrite'];

atOnce(
  {
    'a game over two nodes, one of which dies, and a Redis that forgets everything: nothing is refused':
      async () => {
        const redis = await startRedisProcess();
        const admins = new Admins([redis.port]);
        try {
          await admins.allow(await rulesOf('users.acl'));
          await Processes.play(2, asUser(redis.url), (nodes) => partyToTheDeath(nodes, admins));
          expect(await admins.refused()).toEqual([]);
        } finally {
          admins.close();
          await redis.stop();
        }
      },

    'the same user suffices for the servers behind Sentinels, who are asked without one': async () => {
      const redis = await startRedisSentinels();
      const admins = new Admins([redis.master.port, redis.replica.port]);
      try {
        await admins.allow(await rulesOf('users.acl'));
        expect(await doEverything(asUser(redis.url), CODE)).toEqual([]);
        expect(await admins.refused()).toEqual([]);
      } finally {
        admins.close();
        await redis.stop();
      }
    },

    'in a Cluster, too, each command is called, and missed when it may not be': async () => {
      const cluster = await startRedisCluster();
      const admins = new Admins(cluster.nodes.map(({ port }) => port));
      try {
        const rules = await rulesOf('users-cluster.acl');
        await admins.allow(rules);
        expect(await doEverything(asUser(cluster.url), CODE)).toEqual([]);
        expect(await admins.refused()).toEqual([]);
        const { warn } = console;
        // Said by ioredis where INFO is refused.
        console.warn = () => undefined;
        for (const [index, command] of commandsOf(rules).entries()) {
          if (RARE.includes(command)) continue;
          await admins.allow([...rules, `-${command}`]);
          // A room of its own: without some commands it is never closed.
          const failures = await doEverything(asUser(cluster.url), roomCodeOf(index));
          expect([command, (await admins.refused()).includes(command)]).toEqual([command, true]);
          expect([command, failures.length > 0]).toEqual([command, !NOT_MISSED_AT_ONCE.includes(command)]);
        }
        console.warn = warn;
        await expectAsking(admins, rules, asUser(cluster.url));
      } finally {
        admins.close();
        await cluster.stop();
      }
    },

    'the master that holds a room dies under the game: nothing is refused': async () => {
      const cluster = await startRedisCluster();
      const admins = new Admins(cluster.nodes.map(({ port }) => port));
      try {
        await admins.allow(await rulesOf('users-cluster.acl'));
        await Processes.play(2, asUser(cluster.url), async (nodes) => {
          const { host, code } = await nodes.room(0, 4, 'quiz');
          const { player, id } = await nodes.joined(1, host, code);
          const hostSees = new HostWatch(host);
          nodes.talk(player);
          await hostSees.hearsMore(id);
          const holders = await Promise.all(
            admins.clients.map((client) => client.exists(roomKey(code as RoomCode)).catch(() => 0)),
          );
          const dying = holders.indexOf(1);
          cluster.nodes[dying]?.signal('SIGKILL');
          admins.forget(dying);
          const isFound = async (): Promise<boolean> => (await nodes.lookUp(1, code)) === '200 quiz';
          expect(await isFound()).toBe(false);
          await eventually('the room to be found', isFound, 30_000);
          await hostSees.hearsMore(id);
          expect(nodes.failures).toEqual([]);
        });
        expect(await admins.refused()).toEqual([]);
      } finally {
        admins.close();
        await cluster.stop();
      }
    },
  },
  2,
);

async function partyToTheDeath(nodes: Processes, admins: Admins): Promise<void> {
  const { host, code } = await nodes.room(0, 3, 'quiz');
  const { player: first } = await nodes.joined(0, host, code);
  const { player: second } = await nodes.joined(1, host, code);
  const { player: third, id } = await nodes.joined(0, host, code);
  expect((await (await nodes.player(1, code)).closed()).code).toBe(4502);
  expect((await (await nodes.player(1, 'AAAA' === code ? 'BBBB' : 'AAAA')).closed()).code).toBe(4501);
  third.close();
  await host.expect('player_left');
  await host.expect('state');
  expect(id).toBe(3);
  const elsewhere = await nodes.room(1, 3);
  const { player: orphan } = await nodes.joined(0, elsewhere.host, elsewhere.code);

  const hostSees = new HostWatch(host);
  const [firstSees, secondSees] = [new PlayerWatch(first), new PlayerWatch(second)];
  for (const peer of [host, first, second]) nodes.talk(peer);
  await Promise.all([hostSees.hearsMore(1 as never), hostSees.hearsMore(2 as never)]);
  await Promise.all([firstSees.hearsMore(), secondSees.hearsMore()]);

  nodes.kill(1, 'SIGKILL');
  await hostSees.until('the player of the dead node to have left', () => hostSees.left.length === 1);
  expect((await orphan.closed(60_000)).code).toBe(1001);
  await firstSees.hearsMore();

  await admins.all('FLUSHALL');
  await eventually(
    'the room to be found again',
    async () => (await nodes.lookUp(0, code)) === '200 quiz',
    30_000,
  );
  await firstSees.hearsMore();

  expectWhole(hostSees, firstSees);
  const calls = await admins.calls();
  for (const command of ['evalsha', 'eval', 'publish', 'subscribe', 'hsetnx', 'hdel']) {
    expect([command, (calls.get(command) ?? 0) > 0]).toEqual([command, true]);
  }
  expect(nodes.failures).toEqual([]);
}

/** While a slot is on its way, the server that gives it away sends whoever asks for a key to the other. */
async function expectAsking(admins: Admins, rules: readonly string[], url: string): Promise<void> {
  const slot = slotOf(tagOf(CODE as RoomCode));
  const descriptions = (await admins.all('CLUSTER', 'NODES')).map(String);
  const masters = descriptions.flatMap((text, index) => {
    const [id = '', , flags = '', , , , , , ...ranges] = (/^.*\bmyself\b.*$/m.exec(text)?.[0] ?? '').split(
      ' ',
    );
    const client = admins.clients[index];
    return client && flags.includes('master') ? [{ id, client, ranges }] : [];
  });
  const holds = ({ ranges }: { ranges: readonly string[] }): boolean =>
    ranges.some((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return from <= slot && slot <= to;
    });
  const [source, target] = [masters.find(holds), masters.find((each) => !holds(each))];
  if (!source || !target) throw new Error(`nobody holds slot ${slot}`);
  await target.client.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source.id);
  await source.client.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
  await admins.allow(rules);
  const connection = new RedisConnection(parseRedisUrl(url), 'asking', SILENT);
  expect(await new RedisRoomStore(connection, () => undefined).find(CODE)).toBeUndefined();
  await connection.close();
  expect(await admins.refused()).toEqual([]);
  // It is not tried without: ioredis lets the refusal through as a rejection that nobody handles.
  expect((await admins.calls()).get('asking')).toBeGreaterThan(0);
}
