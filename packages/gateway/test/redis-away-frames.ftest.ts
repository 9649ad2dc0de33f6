/** Redis is out of reach for a while: what waits between nodes has its bounds. */
import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { away, SETTLED_MS, type Interval, type Outage } from './outage.ts';
import { atOnce, eventually, type Processes } from './processes.ts';
import { PlayerWatch } from './watches.ts';

const MIB = 1024 * 1024;

atOnce({
  ...scenarios('killed'),
  ...scenarios('hung'),
});

function scenarios(outage: Outage): Record<string, () => Promise<void>> {
  return {
    [`${outage}: a player that pumps to a host elsewhere does not fill its node's memory`]: () =>
      away(outage, 2, pumping),
  };
}

async function pumping(nodes: Processes, { begin, end }: Interval): Promise<void> {
  const { host, code } = await nodes.room(0, 4);
  const { player } = await nodes.joined(1, host, code);
  const playerSees = new PlayerWatch(player);
  const frame = Buffer.alloc(MIB);
  const { pid } = nodes.server(1);
  const beforeMib = residentMib(pid);
  let mostMib = 0;
  begin();
  const pump = setInterval(() => {
    mostMib = Math.max(mostMib, residentMib(pid));
    if (player.socket.readyState !== player.socket.OPEN) return;
    // No more at a time: while a server takes everything at once, nobody here would ever read what it says.
    for (let i = 0; i < 32 && player.socket.bufferedAmount < 32 * MIB; i += 1) player.socket.send(frame);
  }, 5);
  try {
    await end();
  } finally {
    clearInterval(pump);
  }
  await playerSees.until('the close', () => playerSees.close !== undefined, SETTLED_MS);
  // Lost its way, or sent away because all of it came to its host at once.
  expect([1013, 1008]).toContain(playerSees.close?.code);
  expect(mostMib - beforeMib).toBeLessThan(512);
  await eventually('the seat', async () => (await nodes.lookUp(1, code)) === '200 ', SETTLED_MS);
  expect(nodes.failures).toEqual([]);
}

function residentMib(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
