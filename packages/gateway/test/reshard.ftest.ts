/**
 * Slots of a Redis Cluster of six that are moved under a party, keys and all, with half of the keys here and half of
 * them there for as long as people come, go and try wrong codes. On the redis-server of this machine, and on Redis 8,
 * which answers otherwise, where a Docker engine answers that has the image `redis:8` or can get it.
 */
import { expect } from '@jest/globals';
import { CLOSE, ROOM_CODES, roomCodeOf, type RoomCode } from '@wmbp/protocol';
import { findRedis8, startRedisCluster, type RedisNode, type ServerBinary } from '@wmbp/testkit';
import { slotOf, tagOf } from '../src/partitions.ts';
import { TICK_MS } from '../src/upkeep.ts';
import { print } from './fault-figures.ts';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { WENT_HOME } from './fault-room.ts';
import { atOnce, lasting, Processes } from './processes.ts';

const MOVED_ROOMS = IS_FULL ? 8 : 2;
const GAMES = 20;
const STRANGERS_PER_GATEWAY = 3;
/** Once the slot has arrived. */
const LET_IN_MS = 15_000;
/** What could not be settled has been tried in vain by then. */
const UPKEEP_MS = 2 * TICK_MS + 1000;

const RULE = 'a slot that is resharded under load, keys and all, and back again';
const redis8 = await findRedis8();
if (!redis8) print('on Redis 8', 'not played: no Docker engine has the image redis:8');

atOnce(
  {
    [RULE]: () => thereAndBack('the redis-server of this machine'),
    ...(redis8 ? { [`${RULE}, on Redis 8`]: () => thereAndBack('Redis 8', redis8) } : {}),
  },
  1,
);

async function thereAndBack(name: string, server?: ServerBinary): Promise<void> {
  const cluster = await startRedisCluster({ server });
  try {
    await Processes.play(3, cluster.url, (nodes) =>
      FaultParty.on(nodes, async (party) => {
        const codes = party.codes.slice(0, MOVED_ROOMS) as RoomCode[];
        const { closes } = await party.through(
          `${MOVED_ROOMS} slots of ${name} move, key by key, and back`,
          async () => {
            for (const code of codes) {
              const slot = slotOf(tagOf(code));
              const owner = Math.floor((slot * 3) / 16_384);
              const [from, to] = [owner, (owner + 1) % 3].map((index) => cluster.nodes[index]) as RedisNode[];
              if (!from || !to) throw new Error('expected three masters');
              let arriving: Promise<void> | undefined;
              await cluster.moveSlot(slot, from, to, async () => {
                arriving = party.grow(LET_IN_MS);
                await tryWrongCodes(nodes, code, party.codes);
              });
              await arriving;
              await cluster.moveSlot(slot, to, from, async () => {
                party.shrink();
                await tryWrongCodes(nodes, code, party.codes);
                await lasting(UPKEEP_MS);
                await expectWell(nodes, code);
              });
            }
          },
        );
        expect(closes).toEqual({ [WENT_HOME]: MOVED_ROOMS * GAMES });
        for (const code of codes) await expectWell(nodes, code);
      }),
    );
  } finally {
    await cluster.stop();
  }
}

/** Gateways are ready, and know the room, whose slot may be open. */
async function expectWell(nodes: Processes, code: RoomCode): Promise<void> {
  for (let i = 0; i < nodes.servers.length; i += 1) {
    expect(await nodes.probe(i, '/readyz')).toMatch(/^200 /);
    expect(await nodes.lookUp(i, code)).toMatch(/^200 /);
  }
}

/** Each gateway begins and ends subscriptions in the slot of this code, while it is open. */
async function tryWrongCodes(nodes: Processes, code: RoomCode, used: readonly string[]): Promise<void> {
  const wrong: RoomCode[] = [];
  for (let number = 0; number < ROOM_CODES && wrong.length < STRANGERS_PER_GATEWAY; number += 1) {
    const each = roomCodeOf(number);
    if (tagOf(each) === tagOf(code) && !used.includes(each)) wrong.push(each);
  }
  const closes = await Promise.all(
    nodes.servers.flatMap((_, i) =>
      wrong.map(async (each) => (await (await nodes.player(i, each)).closed()).code),
    ),
  );
  expect(nodes.failures).toEqual([]);
  for (const close of closes) expect([CLOSE.roomNotFound.code, CLOSE.unavailable.code]).toContain(close);
}
