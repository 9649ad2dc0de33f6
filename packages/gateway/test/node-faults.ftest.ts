/** A gateway stands still under a party: for a moment, which is nothing but a pause, or until it is taken for dead. */
import { expect } from '@jest/globals';
import { mayComeBack } from '@wmbp/protocol';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { FaultParty } from './fault-party.ts';
import { atOnce, lasting, Processes } from './processes.ts';

/** For players elsewhere: their room is over. */
const HOST_GONE = 1001;

atOnce({
  'a gateway frozen for 3 s closes nobody': () =>
    over(async (party, redis) => {
      const { closes } = await party.through('a gateway is frozen for 3000 ms', async () => {
        // Redis answers what is under way only when nobody there can hear it.
        redis.signal('SIGSTOP');
        await lasting(100);
        const frozen = freeze(party, 3000);
        redis.signal('SIGCONT');
        await frozen;
      });
      expect(closes).toEqual({});
    }),

  'a gateway frozen for 25 s loses its peers, who may come back, and the others who play with them': () =>
    over(async (party) => {
      const { closes } = await party.through('a gateway is frozen for 25000 ms', () => freeze(party, 25_000));
      const codes = Object.keys(closes).map(Number);
      expect(codes).toContain(HOST_GONE);
      expect(codes.filter((code) => code !== HOST_GONE && !mayComeBack(code))).toEqual([]);
      await party.fill();
      const after = await party.through('everybody is back', () => lasting(1000));
      expect(after.closes).toEqual({});
    }),
});

async function freeze(party: FaultParty, ms: number): Promise<void> {
  party.nodes.kill(1, 'SIGSTOP');
  await lasting(ms);
  party.nodes.kill(1, 'SIGCONT');
}

async function over(play: (party: FaultParty, redis: RedisProcess) => Promise<void>): Promise<void> {
  const redis = await startRedisProcess();
  try {
    await Processes.play(3, redis.url, (nodes) => FaultParty.on(nodes, (party) => play(party, redis)));
  } finally {
    await redis.stop();
  }
}
