/** Redis forgets scripts and drops connections, as operators make it: no game ends of it. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { mayComeBack } from '@wmbp/protocol';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { joinsAgain } from './outage.ts';
import { atOnce, eventually, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch, talkOrClosed } from './watches.ts';

let redis: RedisProcess;
let scripts: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
  scripts = await startRedisProcess();
});
afterAll(() => Promise.all([redis.stop(), scripts.stop()]));

/** Of one kind at a time, several times, while nobody or everybody talks. */
const KINDS = ['normal', 'pubsub'] as const;

atOnce({
  'after SCRIPT FLUSH rooms are opened, joined, left and closed': () =>
    Processes.play(2, scripts.url, async (nodes) => {
      const client = new Redis(scripts.url);
      const { host, code } = await nodes.room(0, 2);
      await client.script('FLUSH');
      const { player } = await nodes.joined(1, host, code);
      await client.script('FLUSH');
      host.command({ cmd: 'start' });
      await host.expect('state');
      await client.script('FLUSH');
      expect(await (await nodes.player(1, code)).closed()).toMatchObject({ code: 4503 });
      player.close();
      await host.expect('player_left');
      await host.expect('state');
      await client.script('FLUSH');
      host.command({ cmd: 'stop' });
      await host.closed();
      await eventually('the code to be free', async () => (await nodes.lookUp(1, code)) === '404', 5000);
      await nodes.room(1, 1);
      await client.quit();
      expect(nodes.failures).toEqual([]);
    }),

  ...Object.fromEntries(
    KINDS.flatMap((kind) => [
      [
        `after CLIENT KILL TYPE ${kind} a game in which nobody talks goes on as if nothing was`,
        () => quiet(kind),
      ],
      [
        `after CLIENT KILL TYPE ${kind} in the middle of a game nobody misses a frame unknowing`,
        () => loud(kind),
      ],
    ]),
  ),
});

async function quiet(kind: (typeof KINDS)[number]): Promise<void> {
  const own = await startRedisProcess();
  try {
    await Processes.play(2, own.url, async (nodes) => {
      const { host, code } = await nodes.room(0, 9);
      const { player, id } = await nodes.joined(1, host, code);
      const hostSees = new HostWatch(host);
      const playerSees = new PlayerWatch(player);
      const talks = [nodes.talk(host), nodes.talk(player)];
      for (let i = 0; i < 3; i += 1) {
        await Promise.all([hostSees.hearsMore(id), playerSees.hearsMore()]);
        for (const talk of talks) talk.pause();
        await hostSees.until('all of the player', () => hostSees.next[id] === talks[1]?.sent);
        await playerSees.until('all of the host', () => playerSees.next === talks[0]?.sent);
        await killClients(own.url, kind);
        await eventually('all connections', () => areConnected(own.url, 6), 10_000);
        for (const talk of talks) talk.goOn();
      }
      await Promise.all([hostSees.hearsMore(id), playerSees.hearsMore()]);
      expect([hostSees.left, playerSees.close]).toEqual([[], undefined]);
      expectWhole(hostSees, playerSees);
      expect(nodes.failures).toEqual([]);
    });
  } finally {
    await own.stop();
  }
}

async function loud(kind: (typeof KINDS)[number]): Promise<void> {
  const own = await startRedisProcess();
  try {
    await Processes.play(2, own.url, async (nodes) => {
      const { host, code } = await nodes.room(0, 9);
      const hostSees = new HostWatch(host);
      nodes.talk(host);
      for (let i = 1; i <= 5; i += 1) {
        const player = await joinsAgain(nodes, 1, code);
        nodes.talk(player);
        const playerSees = new PlayerWatch(player);
        await playerSees.hearsMore();
        const id = hostSees.joined.at(-1) ?? 0;
        await hostSees.hearsMore(id);
        await killClients(own.url, kind);
        await talkOrClosed(hostSees, id, playerSees);
        if (playerSees.close) expect(mayComeBack(playerSees.close.code)).toBe(true);
        player.close();
        await hostSees.until('the player to have left', () => hostSees.left.includes(id));
        expectWhole(hostSees, playerSees);
      }
      expect(nodes.failures).toEqual([]);
    });
  } finally {
    await own.stop();
  }
}

async function killClients(url: string, kind: string): Promise<void> {
  const client = new Redis(url);
  await client.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes');
  await client.quit();
}

/** @param count connections of gateways: each has three */
async function areConnected(url: string, count: number): Promise<boolean> {
  const client = new Redis(url);
  const list = String(await client.call('CLIENT', 'LIST'));
  await client.quit();
  const gateways = list.split('\n').filter((line) => line.includes('name=wmbp-'));
  const ears = gateways.filter((line) => line.includes('name=wmbp-subscribe'));
  return gateways.length === count && ears.every((line) => !line.includes(' sub=0 '));
}
