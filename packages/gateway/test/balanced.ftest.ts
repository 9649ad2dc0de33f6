/** A party behind HAProxy: nobody can tell which of three gateways anybody is on, and one of them may die. */
import { expect } from '@jest/globals';
import { startHaproxy, startRedisProcess } from '@wmbp/testkit';
import { atOnce, eventually, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

const GUESTS = 6;

atOnce({
  'a host and six players play over three gateways; one dies, and whoever comes lands on the others':
    async () => {
      const redis = await startRedisProcess();
      try {
        await Processes.play(3, redis.url, async (nodes) => {
          const balancer = await startHaproxy(nodes.servers.map(({ port }) => port));
          try {
            await party(nodes, balancer.port);
          } finally {
            await balancer.stop();
          }
        });
      } finally {
        await redis.stop();
      }
    },
});

async function party(nodes: Processes, port: number): Promise<void> {
  const host = await nodes.host(port);
  const code = await host.prepare(2 * GUESTS, 'quiz');
  const hostSees = new HostWatch(host);
  const guests: PlayerWatch[] = [];
  for (let i = 1; i <= GUESTS; i += 1) {
    const player = await nodes.playerAt(port, code);
    guests.push(new PlayerWatch(player));
    nodes.talk(player);
    await hostSees.until('a guest', () => hostSees.joined.length === i);
  }
  nodes.talk(host);
  await Promise.all(guests.map((guest) => guest.hearsMore()));
  await Promise.all(hostSees.joined.map((id) => hostSees.hearsMore(id)));
  const found = await fetch(`http://127.0.0.1:${port}/${code}`);
  expect([found.status, await found.text()]).toEqual([200, 'quiz']);
  const crowds = await Promise.all([0, 1, 2].map((index) => playersOn(nodes, index)));
  expect(crowds).toEqual([2, 2, 2]);

  // The host's own gateway is the one where its room was opened.
  const dying = [0, 1, 2].find((index) => !nodes.server(index).log.some(({ msg }) => msg === 'room opened'));
  if (dying === undefined) throw new Error('every gateway has a room');
  nodes.kill(dying, 'SIGKILL');
  for (let i = 0; i < GUESTS; i += 1) await arrives(nodes, port, code, hostSees, GUESTS + 1 + i);
  await hostSees.until('those of the dead gateway to have left', () => hostSees.left.length === 2);
  const survivors = guests.filter(({ close }) => close === undefined);
  expect(survivors).toHaveLength(GUESTS - 2);
  await Promise.all(survivors.map((guest) => guest.hearsMore()));
  await Promise.all(hostSees.players.map((id) => hostSees.hearsMore(id)));
  expect(hostSees.players).toHaveLength(2 * GUESTS - 2);
  expectWhole(hostSees, ...guests);
  expect(nodes.failures).toEqual([]);
}

/** The balancer needs a moment to see that a gateway is dead; whoever lands there meanwhile tries again. */
async function arrives(
  nodes: Processes,
  port: number,
  code: string,
  hostSees: HostWatch,
  count: number,
): Promise<void> {
  await eventually(
    'a newcomer',
    async () => {
      const player = await nodes.playerAt(port, code).catch(() => undefined);
      if (!player) return false;
      const sees = new PlayerWatch(player);
      nodes.talk(player);
      const isIn = (): boolean => hostSees.joined.length === count;
      await hostSees.until('a newcomer, or its close', () => isIn() || sees.close !== undefined);
      return isIn();
    },
    60_000,
  );
}

async function playersOn(nodes: Processes, index: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${nodes.server(index).adminPort}/metrics`);
  const [, count = ''] = /^wmbp_players (\d+)$/m.exec(await answer.text()) ?? [];
  return Number(count);
}
