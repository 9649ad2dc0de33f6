/** A Redis Cluster of six under a party: a master dies or hangs, slots move away and back. */
import { expect } from '@jest/globals';
import { type RoomCode } from '@wmbp/protocol';
import { startRedisCluster, type RedisCluster, type RedisNode } from '@wmbp/testkit';
import { slotOf, tagOf } from '../src/partitions.ts';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { atOnce, lasting, Processes } from './processes.ts';

/** The cluster notices after a second, elects, and gateways look at the slots every 2 s. */
const FAILED_OVER_MS = 20_000;
const FROZEN_MS = IS_FULL ? 20_000 : 6000;
const MOVED_ROOMS = 3;
const SLOTS_OF_A_MASTER = 5461;
const RESHARDED = IS_FULL ? SLOTS_OF_A_MASTER - 1 : 600;

atOnce(
  {
    'a master is killed: nobody is closed, and each game is joined again': () =>
      over(async (party, { nodes: [master] }) => {
        const { closes } = await party.through('a master of the cluster is killed', async () => {
          master?.signal('SIGKILL');
          await party.grow(FAILED_OVER_MS);
        });
        expect(closes).toEqual({});
      }),

    'a master hangs, and comes back when another has its slots': () =>
      over(async (party, { nodes: [master] }) => {
        const { closes } = await party.through(
          `a master of the cluster hangs for ${FROZEN_MS} ms`,
          async () => {
            master?.signal('SIGSTOP');
            await lasting(FROZEN_MS);
            master?.signal('SIGCONT');
            await party.grow(FAILED_OVER_MS);
          },
        );
        expect(closes).toEqual({});
      }),

    'slots of games move to another master under load, and back again': () =>
      over(async (party, cluster) => {
        const [first, second, third] = cluster.nodes;
        if (!first || !second || !third) throw new Error('expected three masters');
        const masters = [first, second, third];
        const slots = party.codes.slice(0, MOVED_ROOMS).map((code) => slotOf(tagOf(code as RoomCode)));
        const moved = await party.through(
          `the slots of ${MOVED_ROOMS} games move away and back`,
          async () => {
            for (const slot of new Set(slots)) {
              const owner = Math.floor((slot * 3) / 16_384);
              const [from, to] = [masters[owner] as RedisNode, masters[(owner + 1) % 3] as RedisNode];
              await cluster.moveSlot(slot, from, to);
              await lasting(500);
              await cluster.moveSlot(slot, to, from);
            }
          },
        );
        expect(moved.closes).toEqual({});
        const resharded = await party.through(`${RESHARDED} slots are resharded and back`, async () => {
          await cluster.reshard(RESHARDED, first, second);
          await cluster.reshard(RESHARDED, second, first);
        });
        expect(resharded.closes).toEqual({});
      }),
  },
  2,
);

async function over(play: (party: FaultParty, cluster: RedisCluster) => Promise<void>): Promise<void> {
  const cluster = await startRedisCluster();
  try {
    await Processes.play(3, cluster.url, (nodes) => FaultParty.on(nodes, (party) => play(party, cluster)));
  } finally {
    await cluster.stop();
  }
}
