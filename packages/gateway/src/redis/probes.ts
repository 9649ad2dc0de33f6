/**
 * Whether subscriptions are heard. Redis drops one without a word when its connection is half dead, when a slot
 * moves away and back, or when it comes back from a freeze; so each group of subscriptions that can fail by itself
 * hears a probe of its own, unless something else arrives. One that reaches nobody where it is published is not heard
 * either, whatever arrives: a subscription at a replica hears its master, and nobody who asks the master knows of it.
 * Pure: time is passed in.
 */
import { type OnAnswer } from '../backplane.ts';

/** What is done about a group whose probes are not heard, the first time and after that. */
export type Remedy = 'subscribeAgain' | 'rebuild';

interface Group {
  /** Something arrived since the last probe was accepted, or there was none. */
  isHeard: boolean;
  isProbed: boolean;
  /** The last probe that was accepted was so for nobody. */
  isUnknown: boolean;
  heardAtMs: number;
  missed: number;
}

export interface ProbeCounts {
  sent: number;
  missed: number;
  rebuilt: number;
}

export class Probes {
  readonly #publish: (group: string, onAnswer: OnAnswer) => void;
  readonly #onDeaf: (group: string, remedy: Remedy) => void;
  readonly #groups = new Map<string, Group>();
  readonly counts: ProbeCounts = { sent: 0, missed: 0, rebuilt: 0 };

  /** @param publish as of the `Backplane`: a probe that Redis did not take teaches nothing */
  constructor(
    publish: (group: string, onAnswer: OnAnswer) => void,
    onDeaf: (group: string, remedy: Remedy) => void,
  ) {
    this.#publish = publish;
    this.#onDeaf = onDeaf;
  }

  add(group: string, nowMs: number): void {
    if (this.#groups.has(group)) return;
    this.#groups.set(group, {
      isHeard: true,
      isProbed: false,
      isUnknown: false,
      heardAtMs: nowMs,
      missed: 0,
    });
  }

  remove(group: string): void {
    this.#groups.delete(group);
  }

  /** Something arrived for a subscription of this group. */
  onHeard(name: string, nowMs: number): void {
    const group = this.#groups.get(name);
    if (!group) return;
    group.isHeard = true;
    group.heardAtMs = nowMs;
    if (!group.isUnknown) group.missed = 0;
  }

  /** Since when the quietest group has not been heard, in milliseconds; 0 without groups. */
  oldestMs(nowMs: number): number {
    let oldest = 0;
    for (const { heardAtMs } of this.#groups.values()) oldest = Math.max(oldest, nowMs - heardAtMs);
    return oldest;
  }

  /** Judges the last probes and sends the next. Call every 2 s; a probe is heard within milliseconds. */
  tick(): void {
    for (const [name, group] of this.#groups) {
      if (group.isProbed && (group.isUnknown || !group.isHeard)) this.#onMissed(name, group);
      group.isProbed = false;
      group.isHeard = false;
      this.#publish(name, (receivers) => {
        group.isProbed = receivers !== undefined;
        group.isUnknown = receivers === 0;
      });
      this.counts.sent += 1;
    }
  }

  #onMissed(name: string, group: Group): void {
    group.missed += 1;
    this.counts.missed += 1;
    // Every other time, so that what the last remedy began has time to end.
    if (group.missed % 2 === 1) return this.#onDeaf(name, 'subscribeAgain');
    this.counts.rebuilt += 1;
    this.#onDeaf(name, 'rebuild');
  }
}
