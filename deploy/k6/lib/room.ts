/** A room from its opening to its end, in which nobody is to be closed before. */
import { Host } from './host.ts';
import { atPace, cameTrue, lasting } from './clock.ts';
import { countMiss } from './guard.ts';
import { counts } from './metrics.ts';
import { GAME_IS_DONE, type Plan } from './plan.ts';
import { Player } from './player.ts';
import { countFrames, isQuiet } from './sums.ts';

/**
 * @param room a number of its own among all that are open
 * @param mayJoin awaited between the host's opening and the players' joining
 * @returns whether it came to its end
 */
export async function playRoom(
  plan: Plan,
  room: number,
  mayJoin: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  counts.roomsUnfinished.add(1);
  const host = new Host(room, plan);
  let isEnding = false;
  try {
    await host.opened.promise;
    await mayJoin();
    const indices = Array.from({ length: plan.players }, (_, index) => index + 1);
    const players = indices.map((index) => new Player(host, index, plan));
    await Promise.all(players.map(({ joined }) => joined.promise));

    const stops = players.map((player) => atPace(plan.playerHz, () => player.say()));
    stops.push(atPace(plan.hostHz, () => host.toAll()));
    await lasting(plan.seconds * 1000);
    for (const stop of stops) stop();
    await cameTrue(() => isQuiet(host), plan.patienceMs);

    const early = [host, ...players].filter(({ closeCode }) => closeCode !== undefined);
    counts.unexpectedCloses.add(early.length);
    if (early.length > 0)
      console.error(`closed during play: ${early.map(({ closeCode }) => closeCode).join()}`);
    isEnding = true;
    host.stop();
    await cameTrue(
      () => [host, ...players].every(({ closeCode }) => closeCode !== undefined),
      plan.patienceMs,
    );
    const others = [host, ...players].filter(({ closeCode }) => closeCode !== GAME_IS_DONE);
    if (others.length > early.length) {
      counts.unexpectedCloses.add(others.length - early.length);
      console.error(`not ended with ${GAME_IS_DONE}: ${others.map(({ closeCode }) => closeCode).join()}`);
    }
    counts.roomsFinished.add(1);
    counts.roomsUnfinished.add(-1);
    return true;
  } catch (error) {
    countMiss(error);
    return false;
  } finally {
    if (!isEnding) host.stop();
    countFrames(host);
    host.close();
    for (const player of host.players.values()) player.close();
  }
}
