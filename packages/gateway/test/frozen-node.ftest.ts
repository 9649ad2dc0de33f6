/** A gateway stands still, and goes on: what was its own is not its own any more, and it notices. */
import { afterAll, beforeAll, expect } from '@jest/globals';
import { mayComeBack } from '@wmbp/protocol';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { atOnce, lasting, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

let redis: RedisProcess;
beforeAll(async () => {
  redis = await startRedisProcess();
});
afterAll(() => redis.stop());

atOnce({
  'a node frozen for 25 s leaves no ghost, no second host and no doubled frame; its peers may come back':
    () =>
      Processes.play(3, redis.url, async (nodes) => {
        const { host, code } = await nodes.room(0, 5);
        const local = await nodes.joined(0, host, code);
        const stale = await nodes.joined(1, host, code);
        const other = await nodes.joined(2, host, code);
        const frozen = await nodes.room(1, 4);
        const awayGuest = await nodes.joined(0, frozen.host, frozen.code);
        const guest = await nodes.joined(1, frozen.host, frozen.code);

        const hostSees = new HostWatch(host);
        const staleHostSees = new HostWatch(frozen.host);
        const players = [local, stale, other, awayGuest, guest].map(({ player }) => new PlayerWatch(player));
        const [localSees, staleSees, otherSees, awayGuestSees, guestSees] = players as [
          PlayerWatch,
          PlayerWatch,
          PlayerWatch,
          PlayerWatch,
          PlayerWatch,
        ];
        for (const { player } of [local, stale, other, awayGuest, guest]) nodes.talk(player);
        nodes.talk(host);
        nodes.talk(frozen.host);
        for (const watch of players) await watch.hearsMore();

        nodes.kill(1, 'SIGSTOP');
        const thawed = lasting(25_000).then(() => nodes.kill(1, 'SIGCONT'));
        await hostSees.until('the frozen player to have left', () => hostSees.left.length > 0, 25_000);
        expect(await awayGuestSees.closed()).toMatchObject({ code: 1001 });
        await thawed;
        // Whoever comes in this very moment is admitted and heard, or closed: not forgotten.
        const newcomer = await nodes.player(1, code);
        const newcomerSees = new PlayerWatch(newcomer);
        nodes.talk(newcomer);

        for (const watch of [staleSees, guestSees, staleHostSees]) {
          const close = await watch.closed(15_000);
          expect([close, mayComeBack(close.code)]).toEqual([close, true]);
        }
        expect(staleHostSees.isStopped).toBe(true);
        await hostSees.until(
          'the newcomer to be heard, unless it was closed',
          () =>
            newcomerSees.close !== undefined || hostSees.joined.some((id) => (hostSees.next[id] ?? 0) > 5),
          15_000,
        );
        if (newcomerSees.close) expect(mayComeBack(newcomerSees.close.code)).toBe(true);
        expect(hostSees.left.filter((id) => id === stale.id)).toHaveLength(1);
        for (const index of [0, 1, 2]) expect(await nodes.lookUp(index, frozen.code)).toBe('404');

        const back = await nodes.player(1, code);
        const backSees = new PlayerWatch(back);
        await backSees.hearsMore();
        await localSees.hearsMore();
        await otherSees.hearsMore();
        await hostSees.hearsMore(local.id);
        await hostSees.hearsMore(other.id);
        expect(hostSees.players).not.toContain(stale.id);
        expect(hostSees.players).toEqual(expect.arrayContaining([local.id, other.id]));
        expectWhole(hostSees, staleHostSees, newcomerSees, backSees, ...players);
        expect(nodes.failures).toEqual([]);
      }),
});
