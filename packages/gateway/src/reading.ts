/**
 * How long one socket has been read from without anybody else having had a turn.
 *
 * uSockets reads a socket again at once while its buffer of 512 KiB comes back full (uSockets loop.c, `read_more`):
 * who sends faster than we work keeps all others waiting, timers included, for as long as it likes (measured
 * 2026-11-26: one player on loopback, 20 s). There is no pausing a WebSocket: the peer has to go.
 */

/** One buffer full; more than that in one turn means that the socket was read again. */
const BUFFER_BYTES = 512 * 1024;
/** The clock is asked once for so many bytes. */
const STEP_BYTES = 64 * 1024;
/** What a frame takes on the wire besides its payload, and in work besides its bytes. */
const FRAME_BYTES = 16;
const MAX_MS = 250;
/** A few large frames may take longer on a busy machine. */
const MIN_FRAMES = 8;

/** What reading needs of the event loop's turn. */
export interface LoopTurn {
  readonly number: number;
  /** The number grows when this turn ends. */
  begin(): void;
}

export class Reading {
  #turn = -1;
  #frames = 0;
  #bytes = 0;
  #nextLookBytes = 0;
  #sinceMs: number | undefined;

  /**
   * A frame was read and dealt with. Returns whether the socket has had far more than its share.
   * @param mustLook the frame made so much work that the clock is to be asked now
   */
  isTooMuch(turn: LoopTurn, frameBytes: number, mustLook: boolean, now: () => number): boolean {
    if (turn.number !== this.#turn) {
      this.#turn = turn.number;
      this.#frames = 0;
      this.#bytes = 0;
      this.#nextLookBytes = BUFFER_BYTES;
      this.#sinceMs = undefined;
    }
    this.#frames += 1;
    this.#bytes += frameBytes + FRAME_BYTES;
    if (this.#bytes < this.#nextLookBytes && !mustLook) return false;
    this.#nextLookBytes = this.#bytes + STEP_BYTES;
    turn.begin();
    const nowMs = now();
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs >= MAX_MS && this.#frames >= MIN_FRAMES;
  }
}
