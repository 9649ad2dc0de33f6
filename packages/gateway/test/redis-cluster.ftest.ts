/** A Redis Cluster of six whose master dies while nothing is said: nobody finds out by a frame. */
import { expect } from '@jest/globals';
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { startRedisCluster, type TestHost, type TestPeer } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { slotOf, tagOf } from '../src/partitions.ts';
import { atOnce, eventually, lasting, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

const ROOMS = 20;
const FAILED_OVER_MS = 20_000;
/** Gateways look at the slots every 2 s. */
const GATEWAYS_KNOW_MS = 5000;

interface Game {
  readonly host: TestHost;
  readonly code: string;
  readonly player: TestPeer;
  readonly id: PlayerId;
}

atOnce({
  'twenty games in which nobody talks outlive the death of a master': silent,
});

async function silent(): Promise<void> {
  const cluster = await startRedisCluster();
  try {
    await Processes.play(2, cluster.url, async (nodes) => {
      const games: Game[] = [];
      for (let i = 0; i < ROOMS; i += 1) {
        const room = await nodes.room(i % 2, 9);
        games.push({ ...room, ...(await nodes.joined((i + 1) % 2, room.host, room.code)) });
      }
      const thirds = new Set(
        games.map(({ code }) => Math.floor((slotOf(tagOf(code as RoomCode)) * 3) / 16_384)),
      );
      expect(thirds.size).toBe(3);
      const hosts = games.map(({ host }) => new HostWatch(host));
      const players = games.map(({ player }) => new PlayerWatch(player));
      const talks = games.flatMap(({ host, player }) => [nodes.talk(host), nodes.talk(player)]);
      await Promise.all(games.map(async ({ id }, i) => await hosts[i]?.hearsMore(id)));
      await Promise.all(players.map((player) => player.hearsMore()));
      for (const talk of talks) talk.pause();
      for (const [i, game] of games.entries()) {
        await hosts[i]?.until('all of the player', () => hosts[i]?.next[game.id] === talks[2 * i + 1]?.sent);
        await players[i]?.until('all of the host', () => players[i]?.next === talks[2 * i]?.sent);
      }

      // The first three are the masters.
      cluster.nodes[0]?.signal('SIGKILL');
      await untilSound(cluster.nodes[1]?.port ?? 0);
      await lasting(GATEWAYS_KNOW_MS);

      for (const talk of talks) talk.goOn();
      await Promise.all(games.map(async ({ id }, i) => await hosts[i]?.hearsMore(id)));
      await Promise.all(players.map((player) => player.hearsMore()));
      for (const { close } of [...hosts, ...players]) expect(close).toBeUndefined();
      expectWhole(...hosts, ...players);
      expect(nodes.failures).toEqual([]);
    });
  } finally {
    await cluster.stop();
  }
}

/** The cluster has another master for what the dead one had: three live ones again. */
async function untilSound(port: number): Promise<void> {
  const client = new Redis(port);
  try {
    const isSound = async (): Promise<boolean> => {
      const lines = String(await client.cluster('NODES')).split('\n');
      const masters = lines.filter((line) => / (?:myself,)?master - /.test(line) && / \d+-\d+/.test(line));
      return masters.length === 3;
    };
    await eventually('the cluster to be sound', isSound, FAILED_OVER_MS);
  } finally {
    await client.quit();
  }
}
