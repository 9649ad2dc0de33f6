/**
 * Slow consumers: peers whose unsent bytes pass a bound, or do not come back to zero in time, are closed; never
 * is a frame skipped. Memory for unsent bytes is bounded for each socket and for all together.
 */
import { CLOSE, type Close } from '@wmbp/protocol';

/** Long enough for a phone that changes from Wi-Fi to mobile; a sleeping one is gone sooner or later anyway. */
export const MAX_UNSENT_MS = 15_000;
/** A peer that took something this recently reads, if slowly. */
const PROGRESS_MS = 5000;

export interface PressureBounds {
  readonly maxUnsentBytes: number;
  readonly maxTotalUnsentBytes: number;
}

/** What pressure needs of a socket. */
export interface PressedSocket {
  readonly backlog: Backlog;
  close(close: Close): void;
  /** See `SocketListener.mayBlameOther`. */
  blameOther(): boolean;
}

/** One socket's unsent bytes; belongs to `Pressure`. */
export class Backlog {
  bytes = 0;
  sinceMs = 0;
  progressMs = 0;
}

export class Pressure {
  readonly #bounds: PressureBounds;
  readonly #pressed = new Set<PressedSocket>();
  #totalBytes = 0;

  constructor(bounds: PressureBounds) {
    this.#bounds = bounds;
  }

  /** What all sockets together have not taken yet. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** `socket` has this much unsent now. @param hasProgress the peer has just taken something */
  note(socket: PressedSocket, unsentBytes: number, hasProgress: boolean, nowMs: number): void {
    const { backlog } = socket;
    if (unsentBytes === 0 && backlog.bytes === 0) return;
    if (backlog.bytes === 0) {
      backlog.sinceMs = nowMs;
      backlog.progressMs = 0;
      this.#pressed.add(socket);
    }
    this.#totalBytes += unsentBytes - backlog.bytes;
    backlog.bytes = unsentBytes;
    if (hasProgress) backlog.progressMs = nowMs;
    if (unsentBytes === 0) this.#pressed.delete(socket);
    else this.#judge(socket, nowMs);
  }

  /** The socket is closed or gone. */
  forget(socket: PressedSocket): void {
    if (!this.#pressed.delete(socket)) return;
    this.#totalBytes -= socket.backlog.bytes;
    socket.backlog.bytes = 0;
  }

  /** Looks at the time; call once a second. */
  tick(nowMs: number): void {
    for (const socket of this.#pressed) this.#judge(socket, nowMs);
  }

  #judge(socket: PressedSocket, nowMs: number): void {
    const { maxUnsentBytes, maxTotalUnsentBytes } = this.#bounds;
    const { backlog } = socket;
    if (backlog.bytes > maxUnsentBytes) return this.#close(socket);
    if (backlog.bytes > maxUnsentBytes / 2) socket.blameOther();
    if (nowMs - backlog.sinceMs >= MAX_UNSENT_MS) {
      const reads = backlog.progressMs > 0 && nowMs - backlog.progressMs < PROGRESS_MS;
      if (!reads || !socket.blameOther()) return this.#close(socket);
      backlog.sinceMs = nowMs;
    }
    if (this.#totalBytes > maxTotalUnsentBytes) this.#closeLargest();
  }

  #closeLargest(): void {
    let largest: PressedSocket | undefined;
    for (const socket of this.#pressed) {
      if (!largest || socket.backlog.bytes > largest.backlog.bytes) largest = socket;
    }
    if (largest) this.#close(largest);
  }

  #close(socket: PressedSocket): void {
    this.forget(socket);
    socket.close(CLOSE.slowConsumer);
  }
}
