/** A gateway dies at once, with peers on it: nobody stays behind as a ghost, and everybody else plays on. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { atOnce, eventually, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch, until } from './watches.ts';

/** Everybody knows by then. */
const NOTICED_MS = 30_000;
const HOST_GONE = { code: 1001, reason: 'The host is gone.' };

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
});
afterAll(() => redis.stop());

atOnce({
  'players of a dead node have left once within 30 s; the others play on, and the seats are free': () =>
    Processes.play(3, redis.url, async (nodes) => {
      const { host, code } = await nodes.room(0, 4);
      const local = await nodes.joined(0, host, code);
      const lost = [await nodes.joined(1, host, code), await nodes.joined(1, host, code)];
      const other = await nodes.joined(2, host, code);
      const elsewhere = await nodes.room(2, 1);
      const guest = await nodes.joined(0, elsewhere.host, elsewhere.code);

      const hostSees = new HostWatch(host);
      const elsewhereSees = new HostWatch(elsewhere.host);
      const [localSees, otherSees] = [new PlayerWatch(local.player), new PlayerWatch(other.player)];
      const guestSees = new PlayerWatch(guest.player);
      const all = [host, elsewhere.host, guest.player, local.player, other.player];
      for (const peer of [...all, ...lost.map(({ player }) => player)]) nodes.talk(peer);
      await Promise.all(
        [local, other, ...lost].map(async ({ id }) => {
          await hostSees.hearsMore(id);
        }),
      );

      const killedAtMs = performance.now();
      nodes.kill(1, 'SIGKILL');
      await hostSees.until('both to have left', () => hostSees.left.length === 2, NOTICED_MS);
      expect(performance.now() - killedAtMs).toBeLessThan(NOTICED_MS);
      expect(hostSees.left.toSorted((a, b) => a - b)).toEqual(lost.map(({ id }) => id));

      const newcomers = [await nodes.player(0, code), await nodes.player(2, code)];
      await hostSees.until('the seats to be taken again', () => hostSees.joined.length === 2);
      expect(hostSees.joined.toSorted((a, b) => a - b)).toEqual([5, 6]);
      for (const player of newcomers) nodes.talk(player);
      await Promise.all([1, 4, 5, 6].map((id) => hostSees.hearsMore(id)));
      await Promise.all([localSees, otherSees, guestSees].map((watch) => watch.hearsMore()));
      await elsewhereSees.hearsMore(guest.id);
      expect(hostSees.left).toHaveLength(2);
      expectWhole(hostSees, elsewhereSees, localSees, otherSees, guestSees);
      expect(nodes.failures).toEqual([]);
    }),

  'rooms of a dead node are over within 30 s: players are closed, codes are free': () =>
    Processes.play(3, redis.url, async (nodes) => {
      const shared = await nodes.room(0, 4);
      const players = [
        await nodes.joined(1, shared.host, shared.code),
        await nodes.joined(2, shared.host, shared.code),
        await nodes.joined(2, shared.host, shared.code),
      ];
      const lonely = await nodes.room(0, 4);
      const watches = players.map(({ player }) => new PlayerWatch(player));
      nodes.talk(shared.host);
      for (const watch of watches) await watch.hearsMore();

      nodes.kill(0, 'SIGKILL');
      const closes = await Promise.all(watches.map((watch) => watch.closed(NOTICED_MS)));
      expect(closes).toEqual([HOST_GONE, HOST_GONE, HOST_GONE]);
      for (const watch of watches) expect(watch.closedAfterMs).toBeLessThan(NOTICED_MS);
      expectWhole(...watches);
      for (const { code } of [shared, lonely]) {
        for (const index of [1, 2]) {
          expect(await nodes.lookUp(index, code)).toBe('404');
          expect(await (await nodes.player(index, code)).closed()).toMatchObject({ code: 4501 });
        }
        expect(await keysOf(code)).toEqual([]);
      }
      expect(nodes.failures).toEqual([]);
    }),

  'a seat taken by a node that died before it could say so is free within 30 s': () =>
    Processes.play(3, redis.url, async (nodes) => {
      const { host, code } = await nodes.room(0, 2);
      await nodes.joined(1, host, code);
      const client = new Redis(redis.url);
      // What a join leaves behind when its node is killed between the script and the announcement.
      const [playersKey = ''] = (await keysOf(code)).filter((key) => key.includes(':players:'));
      await client.hset(playersKey, '2', '12345');
      await client.hset(playersKey.replace(':players:', ':room:'), 'next_player', '3');
      await client.quit();
      const hostSees = new HostWatch(host);
      await eventually(
        'the seat to be free',
        async () => {
          const player = await nodes.player(2, code);
          const sees = new PlayerWatch(player);
          nodes.talk(player);
          await until(
            'the player, or its close',
            () => sees.close !== undefined || hostSees.joined.length > 0,
          );
          if (sees.close) expect(sees.close.code).toBe(4502);
          return sees.close === undefined;
        },
        NOTICED_MS,
      );
      expect(await (await nodes.player(1, code)).closed()).toMatchObject({ code: 4502 });
      expect([hostSees.joined, hostSees.left]).toEqual([[3], []]);
    }),

  'when all nodes are dead no lease is left after its time; every other key runs out too': async () => {
    const own = await startRedisProcess();
    const client = new Redis(own.url);
    try {
      await Processes.play(2, own.url, async (nodes) => {
        const { host, code } = await nodes.room(0, 4);
        await nodes.joined(1, host, code);
        expect(await client.keys('wmbp:node:*')).toHaveLength(2);
      });
      await eventually(
        'the leases to run out',
        async () => (await client.keys('wmbp:node*')).length === 0,
        20_000,
      );
      for (const key of await client.keys('*')) expect(await client.pttl(key)).toBeGreaterThan(0);
    } finally {
      await client.quit();
      await own.stop();
    }
  },

  'when the last room has ended nothing but leases is left within 30 s': async () => {
    const own = await startRedisProcess();
    const client = new Redis(own.url);
    try {
      await Processes.play(2, own.url, async (nodes) => {
        const rooms = [await nodes.room(0, 4), await nodes.room(1, 4), await nodes.room(1, 0)];
        for (const { host, code } of rooms.slice(0, 2)) {
          await nodes.joined(0, host, code);
          await nodes.joined(1, host, code);
        }
        expect((await client.keys('*')).length).toBeGreaterThanOrEqual(5);
        for (const [index, { host }] of rooms.entries()) {
          if (index === 0) host.command({ cmd: 'stop' });
          else host.drop();
        }
        await eventually(
          'the keys to go',
          async () => (await client.keys('*')).every((key) => key.startsWith('wmbp:node')),
          30_000,
        );
      });
    } finally {
      await client.quit();
      await own.stop();
    }
  },
});

async function keysOf(code: string): Promise<string[]> {
  const client = new Redis(redis.url);
  const keys = await client.keys(`wmbp:*:${code}`);
  await client.quit();
  return keys;
}
