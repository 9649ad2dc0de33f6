/** A gateway stands still under a party: for a moment, which is nothing but a pause, or until it is taken for dead. */
import { expect } from '@jest/globals';
import { startRedisProcess } from '@wmbp/testkit';
import { FaultParty } from './fault-party.ts';
import { atOnce, lasting, Processes } from './processes.ts';

atOnce({
  'a gateway frozen for 3 s closes nobody': () =>
    over(async (party) => {
      const { closes } = await party.through('a gateway is frozen for 3000 ms', () => freeze(party, 3000));
      expect(closes).toEqual({});
    }),

  'a gateway frozen for 25 s loses its rooms and seats; whoever is closed has heard all before': () =>
    over(async (party) => {
      const { closes } = await party.through('a gateway is frozen for 25000 ms', () => freeze(party, 25_000));
      expect(Object.keys(closes).length).toBeGreaterThan(0);
      // 1001: players elsewhere whose host was there.
      for (const code of Object.keys(closes)) expect(['1001', '1013', '4005', '4006']).toContain(code);
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

async function over(play: (party: FaultParty) => Promise<void>): Promise<void> {
  const redis = await startRedisProcess();
  try {
    await Processes.play(3, redis.url, (nodes) => FaultParty.on(nodes, play));
  } finally {
    await redis.stop();
  }
}
