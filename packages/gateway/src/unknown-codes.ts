/**
 * Answers to room codes that do not exist. Whoever asks for many is answered late, so that codes cannot be
 * found by trying; a right code is never slowed, since forty phones at one party share one address.
 */
import { RateLimit } from './rate-limit.ts';

/** A phone looks up each four letters typed: forty phones with a typing error each stay below this. */
const BURST = 60;
const PER_SECOND = 1;
const LATE_MS = 2000;
/** About 100 bytes each. */
const MAX_BUCKETS = 50_000;
/** Answers that wait; beyond that they are given at once, and are a refusal all the same. */
const MAX_WAITING = 5000;

export class UnknownCodes {
  readonly #limit = new RateLimit({ burst: BURST, perSecond: PER_SECOND, maxBuckets: MAX_BUCKETS });
  readonly #waiting = new Set<NodeJS.Timeout>();

  /**
   * Calls `reply` once: at once with false, the plain answer; or late with true, "too many".
   * @param address of the peer, as `Socket.address`
   */
  answer(address: string, reply: (isTooMany: boolean) => void): void {
    if (this.#limit.take(address, performance.now())) return reply(false);
    if (this.#waiting.size >= MAX_WAITING) return reply(true);
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      reply(true);
    }, LATE_MS);
    timer.unref();
    this.#waiting.add(timer);
  }

  /** Gives back what is not needed any more; call now and then. */
  tick(): void {
    this.#limit.forgetFull(performance.now());
  }

  /** Forgets who waits. */
  close(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }
}
