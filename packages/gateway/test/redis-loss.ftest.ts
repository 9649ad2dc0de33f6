/** Redis comes back with nothing in it, or forgets its scripts: games go on, and what was true of their rooms is true again. */
import { expect } from '@jest/globals';
import { CLOSE, mayComeBack, type RoomCode } from '@wmbp/protocol';
import { startRedisProcess, within, type RedisProcess } from '@wmbp/testkit';
import { type Redis } from 'ioredis';
import { channelOf } from '../src/channels.ts';
import { type NodeId } from '../src/names.ts';
import { nodeKey, roomKey } from '../src/redis/keys.ts';
import { asking, atOnce, eventually, lasting, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

/** From the return of Redis on. */
const JOINABLE_MS = 15_000;
const YOUNGER_CLOSED_MS = 20_000;
/** A node that is not there: its rooms are planted by the test. */
const ELSEWHERE = 4_000_000_001 as NodeId;

atOnce({
  'games go on across nodes, old codes are joined again within 15 s, ids are new, a started room stays closed':
    () =>
      withRedis((redis) =>
        Processes.play(3, redis.url, async (nodes) => {
          const { host, code } = await nodes.room(0, 9, 'quiz');
          const players = [await nodes.joined(1, host, code), await nodes.joined(2, host, code)];
          const gone = await nodes.joined(1, host, code);
          gone.player.close();
          await host.expect('player_left');
          await host.expect('state');
          const started = await nodes.room(1, 9);
          const guest = await nodes.joined(0, started.host, started.code);
          started.host.command({ cmd: 'start' });
          await started.host.expect('state');
          const empty = await nodes.room(2, 1);

          const hostSees = new HostWatch(host);
          const startedSees = new HostWatch(started.host);
          const watches = [...players, guest].map(({ player }) => new PlayerWatch(player));
          const talkers = [host, started.host, ...[...players, guest].map(({ player }) => player)];
          const talks = talkers.map((peer) => nodes.talk(peer));
          for (const watch of watches) await watch.hearsMore();
          for (const talk of talks) talk.pause();
          await heardAll(hostSees, watches.slice(0, 2), talks);

          await loseAll(redis, nodes);
          const sinceMs = performance.now();
          for (const talk of talks) talk.goOn();
          for (const { id } of players) await hostSees.hearsMore(id);
          await startedSees.hearsMore(guest.id);
          for (const watch of watches) await watch.hearsMore();

          await Promise.all(
            [0, 1, 2].map((index) => joinsWithin(nodes, index, code, hostSees, sinceMs + JOINABLE_MS)),
          );
          for (const id of hostSees.joined) expect(id).toBeGreaterThan(gone.id);
          expect(new Set(hostSees.joined).size).toBe(hostSees.joined.length);
          for (const index of [0, 1, 2]) {
            expect(await nodes.lookUp(index, code)).toBe('200 quiz');
            expect(await (await nodes.player(index, started.code)).closed()).toMatchObject({ code: 4503 });
          }
          const last = await nodes.player(0, empty.code);
          expect((await empty.host.expect('player_joined')).player).toBeGreaterThan(0);
          last.send('here');
          // Seats are counted as before: both that were there, and whoever came.
          await empty.host.expect('state');
          expect(await empty.host.nextEvent()).toMatchObject({ cmd: 'from_str', data: 'here' });
          expect(await (await nodes.player(1, empty.code)).closed()).toMatchObject({ code: 4502 });
          expect([hostSees.left, startedSees.left, startedSees.joined]).toEqual([[], [], []]);
          expectWhole(hostSees, startedSees, ...watches);
          expect(nodes.failures).toEqual([]);
        }),
      ),

  'of two rooms that meet under one code the older stays, the younger is told to come back within 20 s': () =>
    withRedis((redis) =>
      Processes.play(2, redis.url, async (nodes) => {
        const younger = await nodes.room(0, 4);
        const guest = await nodes.joined(1, younger.host, younger.code);
        const older = await nodes.room(0, 4);
        const friend = await nodes.joined(1, older.host, older.code);
        const youngerSees = new HostWatch(younger.host);
        const guestSees = new PlayerWatch(guest.player);
        const olderSees = new HostWatch(older.host);
        const friendSees = new PlayerWatch(friend.player);

        await loseAll(redis, nodes);
        await asking(redis.url, async (ear) => {
          const told = new Promise((resolve) => ear.once('messageBuffer', resolve));
          await ear.subscribe(channelOf(older.code as RoomCode, ELSEWHERE));
          await asking(redis.url, async (client) => {
            await client.set(nodeKey(ELSEWHERE), '1', 'PX', 60_000);
            await plant(client, younger.code, 1);
            await plant(client, older.code, Date.now() + 3_600_000);
          });

          const close = await youngerSees.closed(YOUNGER_CLOSED_MS);
          expect(close).toEqual(CLOSE.roomLost);
          expect(mayComeBack(close.code)).toBe(true);
          expect(youngerSees.isStopped).toBe(true);
          expect(await guestSees.closed(YOUNGER_CLOSED_MS)).toEqual(CLOSE.roomLost);
          expect(await nodes.lookUp(1, younger.code)).toBe('200 planted');
          await within('the other node to be told that its room is over', told, YOUNGER_CLOSED_MS);
        });

        const talks = [nodes.talk(older.host), nodes.talk(friend.player)];
        await olderSees.hearsMore(friend.id);
        await friendSees.hearsMore();
        await joinsWithin(nodes, 1, older.code, olderSees, performance.now() + JOINABLE_MS);
        for (const talk of talks) expect(talk.sent).toBeGreaterThan(0);
        expect(olderSees.close).toBeUndefined();
        expectWhole(olderSees, friendSees);
        expect(nodes.failures).toEqual([]);
      }),
    ),

  'emptied while everybody stays connected, it is filled again': () =>
    withRedis((redis) =>
      Processes.play(2, redis.url, async (nodes) => {
        const { host, code } = await nodes.room(0, 4);
        const { player, id } = await nodes.joined(1, host, code);
        const hostSees = new HostWatch(host);
        const playerSees = new PlayerWatch(player);
        nodes.talk(host);
        nodes.talk(player);
        await playerSees.hearsMore();
        await asking(redis.url, (client) => client.flushall());
        await joinsWithin(nodes, 1, code, hostSees, performance.now() + JOINABLE_MS);
        await hostSees.hearsMore(id);
        await playerSees.hearsMore();
        expect(hostSees.left).toEqual([]);
        expectWhole(hostSees, playerSees);
      }),
    ),

  'after SCRIPT FLUSH rooms are opened, joined, left and closed': () =>
    withRedis((redis) =>
      Processes.play(2, redis.url, async (nodes) => {
        const forget = (): Promise<unknown> => asking(redis.url, (client) => client.script('FLUSH'));
        const { host, code } = await nodes.room(0, 2);
        await forget();
        const { player } = await nodes.joined(1, host, code);
        await forget();
        host.command({ cmd: 'start' });
        await host.expect('state');
        await forget();
        expect(await (await nodes.player(1, code)).closed()).toMatchObject({ code: 4503 });
        player.close();
        await host.expect('player_left');
        await host.expect('state');
        await forget();
        host.command({ cmd: 'stop' });
        await host.closed();
        await eventually('the code to be free', async () => (await nodes.lookUp(1, code)) === '404', 5000);
        await nodes.room(1, 1);
        expect(nodes.failures).toEqual([]);
      }),
    ),
});

async function withRedis(play: (redis: RedisProcess) => Promise<void>): Promise<void> {
  const redis = await startRedisProcess();
  try {
    await play(redis);
  } finally {
    await redis.stop();
  }
}

/** Resolves when every gateway has Redis again. */
async function loseAll(redis: RedisProcess, nodes: Processes): Promise<void> {
  redis.signal('SIGKILL');
  await lasting(1000);
  await redis.restart();
  for (const index of nodes.servers.keys()) {
    const isBack = async (): Promise<boolean> => (await nodes.probe(index, '/readyz')).startsWith('200');
    await eventually(`gateway ${index} to have redis again`, isBack, 10_000);
  }
}

/** A room of a node elsewhere takes the code. */
async function plant(client: Redis, code: string, openedAtMs: number): Promise<void> {
  const key = roomKey(code as RoomCode);
  const room = { epoch: 7, opened_ms: openedAtMs, name: 'planted', max_players: 4, locked: 0 };
  await client
    .multi()
    .del(key)
    .hset(key, { ...room, host_node: ELSEWHERE, next_player: 1 })
    .pexpire(key, 60_000)
    .exec();
}

/** A newcomer tries again as long as it is told that there is no such room, or to come back. */
async function joinsWithin(
  nodes: Processes,
  index: number,
  code: string,
  hostSees: HostWatch,
  untilMs: number,
): Promise<void> {
  const before = hostSees.joined.length;
  for (;;) {
    const sees = new PlayerWatch(await nodes.player(index, code));
    await hostSees
      .until('a newcomer', () => hostSees.joined.length > before || sees.close !== undefined, 5000)
      .catch(() => undefined);
    if (!sees.close) break;
    expect([1013, 4501]).toContain(sees.close.code);
    await lasting(200);
  }
  expect(performance.now()).toBeLessThan(untilMs);
}

async function heardAll(
  hostSees: HostWatch,
  watches: readonly PlayerWatch[],
  talks: readonly { readonly sent: number }[],
): Promise<void> {
  const [hostTalk, , ...playerTalks] = talks;
  for (const watch of watches) {
    await watch.until('all of the host', () => watch.next === hostTalk?.sent);
  }
  for (const [index, id] of [1, 2].entries()) {
    await hostSees.until(`all of player ${id}`, () => hostSees.next[id] === playerTalks[index]?.sent);
  }
}
