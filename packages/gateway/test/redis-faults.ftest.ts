/** One Redis under a party: hung, lost, cut off, paused, full. Nobody is closed for it, and nothing is missing. */
import { expect } from '@jest/globals';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { print, shownDelays } from './fault-figures.ts';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { atOnce, lasting, Processes } from './processes.ts';

async function over(
  play: (party: FaultParty, redis: RedisProcess) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const redis = await startRedisProcess(args);
  try {
    await Processes.play(3, redis.url, (nodes) => FaultParty.on(nodes, (party) => play(party, redis)));
  } finally {
    await redis.stop();
  }
}

const HUNG_MS = IS_FULL ? 20_000 : 8000;

atOnce({
  'redis hangs: games on one node go on as before, and everything between nodes arrives afterwards': () =>
    over(async (party, redis) => {
      const figures = await party.through(`redis hangs for ${HUNG_MS} ms`, async () => {
        const before = await party.delaysHere(() => lasting(2000));
        redis.signal('SIGSTOP');
        const during = await party.delaysHere(() => lasting(HUNG_MS));
        redis.signal('SIGCONT');
        print('on one node', `${shownDelays('before', before)}, ${shownDelays('while it hangs', during)}`);
        expect(during.worstMs).toBeLessThan(HUNG_MS / 2);
      });
      expect(figures.closes).toEqual({});
    }),
});
