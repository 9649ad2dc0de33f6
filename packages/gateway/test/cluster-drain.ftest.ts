/** One of several gateways is told to end: its peers are sent on, and everybody else is told at once. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { startRedisProcess, within, type RedisProcess } from '@wmbp/testkit';
import { nodeKey } from '../src/redis/keys.ts';
import { type NodeId } from '../src/names.ts';
import { asking, atOnce, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';
import { arrived } from './wire.ts';

const NODE_RESTARTING = { code: 1012, reason: 'The server restarts.' };

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
});
afterAll(() => redis.stop());

atOnce({
  'hosts elsewhere are told that its players left, after all their frames; its lease is gone when it exits with 0':
    () =>
      Processes.play(3, redis.url, async (nodes) => {
        const { host, code } = await nodes.room(0, 4);
        const drained = [await nodes.joined(1, host, code), await nodes.joined(1, host, code)];
        const other = await nodes.joined(2, host, code);
        const ended = await nodes.room(1, 4);
        const guest = await nodes.joined(0, ended.host, ended.code);
        const hostSees = new HostWatch(host);
        const endedSees = new HostWatch(ended.host);
        const watches = [...drained, other].map(({ player }) => new PlayerWatch(player));
        const guestSees = new PlayerWatch(guest.player);
        const [drainedSees, alsoDrainedSees, otherSees] = watches as [PlayerWatch, PlayerWatch, PlayerWatch];
        nodes.talk(host);
        const talks = [...drained, other].map(({ player }) => nodes.talk(player));
        nodes.talk(ended.host);
        nodes.talk(guest.player);
        for (const watch of watches) await watch.hearsMore();
        for (const { id } of drained) await hostSees.hearsMore(id);

        for (const talk of talks.slice(0, 2)) talk.pause();
        for (const { player } of drained) await arrived(player);
        const node = nodes.server(1).log.find(({ msg }) => msg === 'listening')?.['node'] as NodeId;
        const leases = (): Promise<number> => asking(redis.url, (client) => client.exists(nodeKey(node)));
        expect(await leases()).toBe(1);
        nodes.kill(1, 'SIGTERM');

        for (const watch of [drainedSees, alsoDrainedSees, endedSees, guestSees]) {
          expect(await watch.closed(10_000)).toEqual(NODE_RESTARTING);
        }
        expect(endedSees.isStopped).toBe(true);
        await hostSees.until('both to have left', () => hostSees.left.length === 2, 10_000);
        expect(hostSees.left.toSorted((a, b) => a - b)).toEqual(drained.map(({ id }) => id));
        for (const [index, { id }] of drained.entries()) expect(hostSees.next[id]).toBe(talks[index]?.sent);
        expect(await within('the exit', nodes.server(1).exited)).toEqual({ code: 0, signal: null });
        expect(await leases()).toBe(0);

        expect(await nodes.lookUp(2, ended.code)).toBe('404');
        const newcomer = await nodes.player(2, code);
        nodes.talk(newcomer);
        await hostSees.hearsMore(4);
        await otherSees.hearsMore();
        await hostSees.hearsMore(other.id);
        expect(hostSees.left).toHaveLength(2);
        expectWhole(hostSees, endedSees, guestSees, ...watches);
        expect(nodes.failures).toEqual([]);
      }),

  'a drain while redis is away ends in time all the same': async () => {
    const own = await startRedisProcess();
    try {
      await Processes.play(2, own.url, async (nodes) => {
        const { host, code } = await nodes.room(0, 4);
        const { player } = await nodes.joined(1, host, code);
        const playerSees = new PlayerWatch(player);
        own.signal('SIGSTOP');
        nodes.kill(1, 'SIGTERM');
        expect(await playerSees.closed(10_000)).toEqual(NODE_RESTARTING);
        expect(await within('the exit', nodes.server(1).exited, 20_000)).toEqual({ code: 0, signal: null });
      });
    } finally {
      await own.stop();
    }
  },
});
