/** Counts what must not happen to a stream of numbered payloads: loss, doubling, disorder, damage. */

export interface Integrity {
  lost: number;
  doubled: number;
  reordered: number;
  /** Of a wrong stream, length or content. */
  damaged: number;
  /** Sockets that the subject closed, and events that it should not have sent. */
  unexpected: number;
}

export function createIntegrity(): Integrity {
  return { lost: 0, doubled: 0, reordered: 0, damaged: 0, unexpected: 0 };
}

export function isWhole(integrity: Integrity): boolean {
  return Object.values(integrity).every((count) => count === 0);
}

/** One sender's payloads at one receiver; they are numbered from 1. */
export class Stream {
  readonly #integrity: Integrity;
  readonly #missing = new Set<number>();
  #next = 1;

  constructor(integrity: Integrity) {
    this.#integrity = integrity;
  }

  received(sequence: number): void {
    if (sequence === this.#next) {
      this.#next += 1;
    } else if (sequence > this.#next) {
      for (let skipped = this.#next; skipped < sequence; skipped++) this.#missing.add(skipped);
      this.#next = sequence + 1;
    } else if (this.#missing.delete(sequence)) {
      this.#integrity.reordered += 1;
    } else {
      this.#integrity.doubled += 1;
    }
  }

  /** Call once, when nothing can arrive any more. */
  ended(lastSent: number): void {
    this.#integrity.lost += this.#missing.size + Math.max(0, lastSent + 1 - this.#next);
  }
}
