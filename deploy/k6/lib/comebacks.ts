/** A room whose peers come back when they are closed: the host with a new room, the players to the room there is. */
import { atPace, cameTrue, lasting, nowMs } from './clock.ts';
import { countMiss } from './guard.ts';
import { Host } from './host.ts';
import { counts, times } from './metrics.ts';
import { GAME_IS_DONE, type Plan } from './plan.ts';
import { Player } from './player.ts';
import { countFrames, isQuiet } from './sums.ts';

/** How long to wait before the try with this number, from 0 on: longer each time, with chance in it. */
function pauseMs(tries: number): number {
  return Math.min(2000, 100 * 2 ** tries) * (0.5 + Math.random());
}

export class Comebacks {
  readonly #plan: Plan;
  readonly #room: number;
  /** Closes in play with another code are unexpected. */
  readonly #expected: ReadonlySet<number>;
  /** All that there were; the last may be there still. */
  readonly #hosts: Host[] = [];
  /** The one whose room is open. */
  #host: Host | undefined;
  #seated = 0;
  #sockets = 0;
  #isOver = false;

  constructor(plan: Plan, room: number, expectedCodes: readonly number[]) {
    this.#plan = plan;
    this.#room = room;
    this.#expected = new Set(expectedCodes);
  }

  async play(): Promise<void> {
    const { players, seconds, patienceMs } = this.#plan;
    counts.roomsUnfinished.add(1);
    try {
      const seats = Array.from({ length: players }, () => this.#playSeat());
      const everybody = Promise.all([this.#playHost(), ...seats]);
      await lasting(seconds * 1000);
      const isFull = (): boolean => this.#host !== undefined && this.#seated === players;
      await cameTrue(isFull, patienceMs);
      counts.peersAway.add((this.#host ? 0 : 1) + players - this.#seated);
      this.#isOver = true;
      const { patienceMs: settleMs } = this.#plan;
      await cameTrue(() => this.#host === undefined || isQuiet(this.#host), settleMs);
      this.#host?.stop();
      await everybody;
      for (const host of this.#hosts) countFrames(host, isCutOff);
      counts.roomsFinished.add(1);
      counts.roomsUnfinished.add(-1);
    } catch (error) {
      countMiss(error);
    }
  }

  async #playHost(): Promise<void> {
    let awaySinceMs: number | undefined;
    for (let tries = 0; !this.#isOver; tries += 1) {
      const host = new Host(this.#room, this.#plan);
      this.#hosts.push(host);
      if (await isSettled(host.opened.promise, host)) {
        if (awaySinceMs !== undefined) times.hostBack.add(nowMs() - awaySinceMs);
        this.#host = host;
        const stop = atPace(this.#plan.hostHz, () => this.#isOver || host.toAll());
        this.#countClose(await host.closed);
        stop();
        this.#host = undefined;
        awaySinceMs = nowMs();
        tries = 0;
      }
      if (!this.#isOver) await lasting(pauseMs(tries));
    }
  }

  async #playSeat(): Promise<void> {
    let awaySinceMs: number | undefined;
    for (let tries = 0; !this.#isOver; tries += 1) {
      if (!(await cameTrue(() => this.#host !== undefined || this.#isOver, this.#plan.patienceMs))) continue;
      if (this.#host === undefined) continue;
      const player = new Player(this.#host, (this.#sockets += 1), this.#plan);
      if (await isSettled(player.joined.promise, player)) {
        if (awaySinceMs !== undefined) times.playerBack.add(nowMs() - awaySinceMs);
        this.#seated += 1;
        const stop = atPace(this.#plan.playerHz, () => this.#isOver || player.say());
        this.#countClose(await player.closed);
        stop();
        this.#seated -= 1;
        awaySinceMs = nowMs();
        tries = 0;
      }
      if (!this.#isOver) await lasting(pauseMs(tries));
    }
  }

  #countClose(code: number): void {
    if (this.#isOver && code === GAME_IS_DONE) return;
    counts.interruptions.add(1);
    if (this.#expected.has(code)) return;
    counts.unexpectedCloses.add(1);
    console.error(`closed in play with ${code}`);
  }
}

/** Whether it came true before the socket was closed. A socket that lives and hears nothing is trouble of its own. */
async function isSettled(
  promise: Promise<void>,
  peer: { readonly closeCode: number | undefined; close(): void },
): Promise<boolean> {
  try {
    await promise;
    return true;
  } catch (error) {
    counts.failedTries.add(1);
    if (peer.closeCode === undefined) countMiss(error);
    peer.close();
    return false;
  }
}

function isCutOff(closeCode: number | undefined): boolean {
  return closeCode !== undefined && closeCode !== GAME_IS_DONE;
}
