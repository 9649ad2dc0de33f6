/**
 * The turn of the event loop: what is collected during it leaves at its end.
 *
 * Sending each frame as it comes costs one system call a frame; a socket's frames of one turn, corked, cost one
 * together. The same holds for what a link publishes.
 */
import { type Log } from './log.ts';
import { TurnBuffer } from './turn-buffer.ts';

export interface Flushable {
  /** Sends what was collected. May cause more to be collected, by itself or others, in the same turn. */
  flush(): void;
}

/** More than this is not collected: a turn may be long (see `Reading`), and one frame may go to thousands. */
const MAX_COLLECTED_BYTES = 4 * 1024 * 1024;
/** What a frame costs while it waits, besides its bytes. */
const FRAME_BYTES = 256;

export class Turn {
  /** For frames that are sent at the end of this turn. */
  readonly buffer: TurnBuffer = new TurnBuffer();
  readonly #log: Log;
  #waiting: Flushable[] = [];
  #next: Flushable[] = [];
  #isScheduled = false;
  #number = 0;
  #collectedBytes = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Grows by one at the end of each turn that has begun: by `begin`, or with something to flush. */
  get number(): number {
    return this.#number;
  }

  /** So much is collected that it should leave before the turn ends: call `flush` as soon as that is possible. */
  get isFull(): boolean {
    return this.#collectedBytes > MAX_COLLECTED_BYTES;
  }

  /** Flushes `flushable` at the end of this turn; call once per turn and flushable. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.begin();
  }

  begin(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // The check phase follows the poll phase, in which uWebSockets.js calls us for every readable socket.
    setImmediate(this.#end);
  }

  /** A frame waits for the end of the turn. */
  collect(frameBytes: number): void {
    this.#collectedBytes += frameBytes + FRAME_BYTES;
  }

  /** Lets everything leave now. Views of `buffer` are gone when this returns. */
  flush(): void {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = this.#next;
      this.#next = batch;
      for (const flushable of batch) this.#flushOne(flushable);
      batch.length = 0;
    }
    this.buffer.reset();
    this.#collectedBytes = 0;
  }

  readonly #end = (): void => {
    this.#isScheduled = false;
    this.#number += 1;
    this.flush();
  };

  #flushOne(flushable: Flushable): void {
    try {
      flushable.flush();
    } catch (error) {
      this.#log.error({ error }, 'flush failed');
    }
  }
}
