/** Warms up, measures, and notices when nothing moves. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Job, Mark, Sample } from './job.ts';
import { cpuTimeOf, isRunnable, warmedUp } from './process-stat.ts';
import { createIntegrity, type Integrity } from './tally.ts';

const STALL_MS = 5000;
/** A node that gets no core does not warm up. */
export const LONGEST_WARMUP_MS = 30_000;
const TICK_MS = 25;
const MAX_REMARKS = 3;

export class Meter {
  readonly integrity: Integrity = createIntegrity();
  /** What the scenario counts; it adds to it. */
  units = 0;
  /** While true, the load goes on. */
  isRunning = true;
  isMeasuring = false;
  failure = '';
  readonly remarks: string[] = [];
  readonly #job: Job;
  #lastUnits = 0;
  #movedAt = 0;
  #longestTickMs = 0;

  constructor(job: Job) {
    this.#job = job;
  }

  readonly unexpected = (what: string): void => {
    this.integrity.unexpected += 1;
    if (this.remarks.length < MAX_REMARKS) this.remarks.push(what);
  };

  /**
   * Measures what already runs.
   * @param isDone whether all that was sent has arrived; asked after `isRunning` has become false.
   */
  async measure(
    isDone: () => boolean,
  ): Promise<Omit<Sample, 'values' | 'integrity'> & { perCpuSecond: number }> {
    const { serverPids, warmupMs, warmupCpuMs, measureMs } = this.#job;
    this.#movedAt = performance.now();
    const isWarm = warmedUp(serverPids, warmupCpuMs);
    await this.#pass(warmupMs, () => false);
    await this.#pass(LONGEST_WARMUP_MS, isWarm);
    const before = {
      wall: performance.now(),
      server: cpuTimeOf(serverPids),
      load: process.cpuUsage(),
      units: this.units,
    };
    this.isMeasuring = true;
    print('measuring');
    await this.#pass(measureMs, () => false);
    this.isMeasuring = false;
    print('measured');
    const wallMs = performance.now() - before.wall;
    const server = cpuTimeOf(serverPids);
    const serverMs = server.usedMs - before.server.usedMs;
    // Nodes that share a core wait for each other, too.
    const ownMs = serverPids.length > 1 ? serverMs : 0;
    const load = process.cpuUsage(before.load);
    const units = this.units - before.units;
    this.isRunning = false;
    const wasStarved = units === 0 && serverMs === 0 && serverPids.some(isRunnable);
    if (units === 0)
      this.#fail(wasStarved ? 'the server never got its core' : 'nothing arrived while measuring');
    await this.#pass(STALL_MS, isDone);
    if (!isDone()) this.#fail('some of what was sent did not arrive');
    return {
      units,
      perCpuSecond: (units / serverMs) * 1000,
      serverBusy: serverMs / wallMs,
      serverWaited: Math.max(0, server.waitedMs - before.server.waitedMs - ownMs) / wallMs,
      loadBusy: (load.user + load.system) / 1000 / wallMs,
      wasStarved,
      remarks: this.remarks,
      failure: this.failure,
    };
  }

  async #pass(ms: number, isOver: () => boolean): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end && !isOver() && !this.failure) {
      const tickAt = performance.now();
      await wait(Math.min(TICK_MS, Math.max(1, end - tickAt)));
      const now = performance.now();
      this.#longestTickMs = Math.max(this.#longestTickMs, now - tickAt);
      if (this.units !== this.#lastUnits) this.#movedAt = now;
      this.#lastUnits = this.units;
      if (now - this.#movedAt > STALL_MS) this.#fail(`nothing arrived for ${STALL_MS} ms`);
    }
  }

  /** The first failure counts. A long tick says that not the subject but the machine stood still. */
  #fail(why: string): void {
    this.failure ||= `${why} (the load's own longest tick: ${Math.round(this.#longestTickMs)} ms)`;
  }
}

function print(mark: Mark): void {
  console.log(mark);
}
