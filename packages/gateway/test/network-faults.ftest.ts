/** The network between gateways and their Redis, out of order in the ways that networks have. */
import { expect } from '@jest/globals';
import { startProxy, startRedisProcess, type TcpProxy } from '@wmbp/testkit';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { atOnce, lasting, Processes } from './processes.ts';

const RESET_MS = IS_FULL ? 10_000 : 4000;
const REFUSED_MS = IS_FULL ? 10_000 : 2000;
const MUTE_MS = IS_FULL ? 10_000 : 8000;
const SWALLOWED_MS = IS_FULL ? 10_000 : 3000;
const FAR_MS = IS_FULL ? 20_000 : 6000;
/** Of all items on a way that is slow, and nothing else. */
const SMALL_SHARE = 0.02;

atOnce(
  {
    'connections are reset every half second, then refused': () =>
      over(async (party, proxy) => {
        const reset = await party.through(`connections reset for ${RESET_MS} ms`, async () => {
          for (let ms = 0; ms < RESET_MS; ms += 500) {
            proxy.reset();
            await lasting(500);
          }
        });
        expect(reset.closes).toEqual({});
        const refused = await party.through(
          `connections reset, then refused for ${REFUSED_MS} ms`,
          async () => {
            await proxy.refuse();
            proxy.reset();
            await lasting(REFUSED_MS);
            await proxy.heal();
          },
        );
        expect(refused.closes).toEqual({});
      }),

    'what redis answers is not heard, and nobody is told': () =>
      over(async (party, proxy) => {
        const { closes } = await party.through(`answers held for ${MUTE_MS} ms`, async () => {
          proxy.hold('answers');
          await lasting(MUTE_MS);
          await proxy.heal();
        });
        expect(closes).toEqual({});
      }),

    'nothing passes either way, and nobody is told': () =>
      over(async (party, proxy) => {
        const { closes } = await party.through(`both directions held for ${MUTE_MS} ms`, async () => {
          proxy.hold('requests', 'answers');
          await lasting(MUTE_MS);
          await proxy.heal();
        });
        expect(closes).toEqual({});
      }),

    'what was asked is done, and the answers are lost': () =>
      over(async (party, proxy) => {
        const { closes } = await party.through(`answers lost for ${SWALLOWED_MS} ms`, async () => {
          proxy.swallowAnswers();
          await lasting(SWALLOWED_MS);
          expect(proxy.swallowedBytes).toBeGreaterThan(0);
          await proxy.heal();
        });
        expect(closes).toEqual({});
      }),

    'a way that takes 200 ms ± 100 ms costs no second sending': () =>
      over(async (party, proxy) => {
        const figures = await party.through(`200 ms ± 100 ms each way for ${FAR_MS} ms`, async () => {
          proxy.delay(200, 100, 1);
          await lasting(FAR_MS);
          await proxy.heal();
        });
        expect(figures.closes).toEqual({});
        expect(figures.away.medianMs).toBeGreaterThan(200);
        expect(figures.resentItems / figures.items).toBeLessThan(SMALL_SHARE);
      }),
  },
  2,
);

async function over(play: (party: FaultParty, proxy: TcpProxy) => Promise<void>): Promise<void> {
  const redis = await startRedisProcess();
  const proxy = await startProxy(redis.port);
  try {
    const url = `redis://127.0.0.1:${proxy.port}`;
    await Processes.play(3, url, (nodes) => FaultParty.on(nodes, (party) => play(party, proxy)));
  } finally {
    await proxy.stop();
    await redis.stop();
  }
}
