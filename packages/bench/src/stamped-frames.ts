/** Frames that are built once, lie side by side in one buffer, and are numbered anew before each write. */
import { writeSequence } from './payload.ts';

export interface NumberedFrame {
  readonly frame: Buffer;
  /** Where the first digit of its payload is. */
  readonly digitsAt: number;
  readonly stride: number;
  /** Added to the burst's first sequence number. */
  readonly turn: number;
}

interface Place {
  readonly at: number;
  readonly stride: number;
  readonly turn: number;
}

export class StampedFrames {
  readonly buffer: Buffer;
  readonly #places: readonly Place[];

  constructor(frames: readonly NumberedFrame[]) {
    this.buffer = Buffer.concat(frames.map(({ frame }) => frame));
    let start = 0;
    this.#places = frames.map(({ frame, digitsAt, stride, turn }) => {
      const at = start + digitsAt;
      start += frame.length;
      return { at, stride, turn };
    });
  }

  /** Call only when all of the last burst has arrived: the buffer may still be on its way until then. */
  stamp(firstSequence: number): Buffer {
    for (const { at, stride, turn } of this.#places)
      writeSequence(this.buffer, at, stride, firstSequence + turn);
    return this.buffer;
  }
}
