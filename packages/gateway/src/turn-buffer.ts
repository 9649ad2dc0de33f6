/** Memory for the frames of one event-loop turn: taken piece by piece, given back all at once. */

/** Frames of a busy turn fit; measured fan-in turns hold 20–100 KB. */
const SLAB_BYTES = 256 * 1024;

/**
 * What is taken stays valid until `reset`. A frame is written here once and the same view is sent to every
 * addressee.
 */
export class TurnBuffer {
  #slab: Uint8Array = new Uint8Array(SLAB_BYTES);
  #used = 0;

  /** Where the bytes that `take` returns begin, in the array that `reserve` returned. */
  get start(): number {
    return this.#used;
  }

  /** An array with at least `bytes` free bytes behind `start`. Valid for the next `take`. */
  reserve(bytes: number): Uint8Array {
    if (this.#slab.length - this.#used < bytes) {
      this.#slab = new Uint8Array(Math.max(SLAB_BYTES, bytes));
      this.#used = 0;
    }
    return this.#slab;
  }

  /** The bytes written from `start` up to `end`, now owned by the taker until `reset`. */
  take(end: number): Uint8Array {
    const taken = this.#slab.subarray(this.#used, end);
    this.#used = end;
    return taken;
  }

  copy(bytes: Uint8Array): Uint8Array {
    const slab = this.reserve(bytes.length);
    slab.set(bytes, this.#used);
    return this.take(this.#used + bytes.length);
  }

  /** Gives everything back: no view taken before may be read any more. */
  reset(): void {
    if (this.#slab.length > SLAB_BYTES) this.#slab = new Uint8Array(SLAB_BYTES);
    this.#used = 0;
  }
}
