/** One Redis under a party: hung, lost, cut off, paused, full. Nobody is closed for it, and nothing is missing. */
import { expect } from '@jest/globals';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { print, shownDelays } from './fault-figures.ts';
import { FaultParty, IS_FULL, type PartySize } from './fault-party.ts';
import { atOnce, eventually, lasting, Processes } from './processes.ts';

const HUNG_MS = IS_FULL ? 20_000 : 8000;
const DEAD_MS = IS_FULL ? 8000 : 3000;
const CUT_MS = IS_FULL ? 10_000 : 4000;
const PAUSED_MS = 3000;
const FULL_MS = IS_FULL ? 25_000 : 6000;
const READONLY_MS = IS_FULL ? 20_000 : 6000;
/** The largest buffer that a Redis keeps for a subscriber who does not read; frames are many times smaller. */
const SUBSCRIBER_BYTES = 1024 * 1024;

atOnce(
  {
    'redis hangs: games on one node go on as before, and everything between nodes arrives afterwards': () =>
      over(async (party, redis) => {
        const { closes } = await party.through(`redis hangs for ${HUNG_MS} ms`, async () => {
          const before = await party.delaysHere(() => lasting(2000));
          redis.signal('SIGSTOP');
          const during = await party.delaysHere(() => lasting(HUNG_MS));
          redis.signal('SIGCONT');
          print('on one node', `${shownDelays('before', before)}, ${shownDelays('while it hangs', during)}`);
          expect(during.worstMs).toBeLessThan(HUNG_MS / 2);
        });
        expect(closes).toEqual({});
      }),

    'redis is killed and comes back empty': () =>
      over(async (party, redis) => {
        const { closes } = await party.through(
          `redis is gone for ${DEAD_MS} ms, comes back empty`,
          async () => {
            redis.signal('SIGKILL');
            await lasting(DEAD_MS);
            await redis.restart();
          },
        );
        expect(closes).toEqual({});
      }),

    'redis drops connections again and again, forgets its scripts, and pauses': () =>
      over(async (party, redis) => {
        const client = new Redis(redis.url);
        try {
          for (const kind of ['pubsub', 'normal']) {
            const { closes } = await party.through(`CLIENT KILL TYPE ${kind} for ${CUT_MS} ms`, async () => {
              for (let ms = 0; ms < CUT_MS; ms += 500) {
                await client.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes');
                await client.script('FLUSH');
                await lasting(500);
              }
            });
            expect(closes).toEqual({});
          }
          const { closes } = await party.through(`CLIENT PAUSE ${PAUSED_MS}`, async () => {
            await client.call('CLIENT', 'PAUSE', PAUSED_MS);
            await lasting(PAUSED_MS);
          });
          expect(closes).toEqual({});
        } finally {
          client.disconnect();
        }
      }),

    'redis has no memory left, and then is a replica that takes no writes': () =>
      over(async (party, redis) => {
        const client = new Redis(redis.url);
        try {
          const full = await party.through(`maxmemory reached for ${FULL_MS} ms`, async () => {
            await client.config('SET', 'maxmemory', 1);
            await expect(client.set('x', '1')).rejects.toThrow('OOM');
            await lasting(FULL_MS);
            await client.config('SET', 'maxmemory', 0);
          });
          expect(full.closes).toEqual({});
          const readonly = await party.through(`READONLY for ${READONLY_MS} ms`, async () => {
            await client.replicaof('127.0.0.1', 1);
            await expect(client.set('x', '1')).rejects.toThrow('READONLY');
            await lasting(READONLY_MS);
            await client.replicaof('NO', 'ONE');
          });
          expect(readonly.closes).toEqual({});
        } finally {
          client.disconnect();
        }
      }),

    'redis drops a subscriber that does not keep up': () =>
      over(
        async (party, redis) => {
          const client = new Redis(redis.url);
          try {
            const { closes } = await party.through('a subscriber is overrun', async () => {
              const before = await subscribers(client);
              expect(before).toHaveLength(3);
              party.nodes.kill(1, 'SIGSTOP');
              const isDropped = async (): Promise<boolean> => (await subscribers(client)).length < 3;
              await eventually('redis to drop the one that stands still', isDropped, 10_000);
              party.nodes.kill(1, 'SIGCONT');
            });
            expect(closes).toEqual({});
          } finally {
            client.disconnect();
          }
        },
        ['--client-output-buffer-limit', `pubsub ${SUBSCRIBER_BYTES} 0 0`],
        { frameBytes: 16 * 1024 },
      ),
  },
  2,
);

async function over(
  play: (party: FaultParty, redis: RedisProcess) => Promise<void>,
  args: readonly string[] = [],
  size: Partial<PartySize> = {},
): Promise<void> {
  const redis = await startRedisProcess(args);
  try {
    await Processes.play(3, redis.url, (nodes) => FaultParty.on(nodes, (party) => play(party, redis), size));
  } finally {
    await redis.stop();
  }
}

/** Their connections, by the ids that Redis gives them. */
async function subscribers(client: Redis): Promise<string[]> {
  const list = String(await client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = '']) => id);
}
