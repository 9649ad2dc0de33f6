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

export class Turn {
  /** For frames that are sent at the end of this turn. */
  readonly buffer: TurnBuffer = new TurnBuffer();
  readonly #log: Log;
  #waiting: Flushable[] = [];
  #next: Flushable[] = [];
  #isScheduled = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Flushes `flushable` at the end of this turn; call once per turn and flushable. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // The check phase follows the poll phase, in which uWebSockets.js calls us for every readable socket.
    setImmediate(this.#end);
  }

  readonly #end = (): void => {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = this.#next;
      this.#next = batch;
      for (const flushable of batch) this.#flushOne(flushable);
      batch.length = 0;
    }
    this.buffer.reset();
    this.#isScheduled = false;
  };

  #flushOne(flushable: Flushable): void {
    try {
      flushable.flush();
    } catch (error) {
      this.#log.error({ error }, 'flush failed');
    }
  }
}
