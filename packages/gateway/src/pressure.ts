/**
 * Slow consumers: peers whose unsent bytes pass a bound, or do not come back to zero in time, are closed; never
 * is a frame skipped. Memory for unsent bytes is bounded for each socket and for all together.
 */

/** Long enough for a phone that changes from Wi-Fi to mobile; a sleeping one is gone sooner or later anyway. */
export const MAX_UNSENT_MS = 15_000;
/** A peer that took something this recently reads, if slowly. */
const PROGRESS_MS = 5000;
/** A peer that reads has so long to take what somebody else sent it too much of. */
const EXCUSED_MS = 60_000;
/** For so long the library keeps what the peer of a closed socket has not taken (measured: up to 16 s). */
const LINGER_MS = 16_000;

export interface PressureBounds {
  readonly maxUnsentBytes: number;
  readonly maxTotalUnsentBytes: number;
}

/** What pressure needs of a socket. */
export interface PressedSocket {
  readonly backlog: Backlog;
  /** Closes with a close frame behind what is unsent. */
  closeSlow(): void;
  /** Ends the connection at once: what is unsent is lost, and its memory free. */
  drop(): void;
  /** See `SocketListener.mayBlameOther`. */
  blameOther(): boolean;
}

/** One socket's unsent bytes; belongs to `Pressure`. */
export class Backlog {
  bytes = 0;
  sinceMs = 0;
  progressMs = 0;
  excusedUntilMs = 0;
}

interface Lingering {
  readonly bytes: number;
  readonly untilMs: number;
}

export class Pressure {
  readonly #bounds: PressureBounds;
  readonly #pressed = new Set<PressedSocket>();
  #totalBytes = 0;
  /** By `untilMs`. */
  #lingering: Lingering[] = [];
  #lingeringBytes = 0;

  constructor(bounds: PressureBounds) {
    this.#bounds = bounds;
  }

  /** What all sockets together have not taken yet, those included that are closed but for that. */
  get totalBytes(): number {
    return this.#totalBytes + this.#lingeringBytes;
  }

  /** `socket` has this much unsent now. @param hasProgress the peer has just taken something */
  note(socket: PressedSocket, unsentBytes: number, hasProgress: boolean, nowMs: number): void {
    const { backlog } = socket;
    if (unsentBytes === 0 && backlog.bytes === 0) return;
    if (backlog.bytes === 0) {
      backlog.sinceMs = nowMs;
      backlog.progressMs = 0;
      backlog.excusedUntilMs = 0;
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

  /**
   * A socket closes, and this much waits before its close frame; it is remembered until nobody can be keeping it
   * any more. False: too much waits in this way already, the socket must be dropped.
   */
  mayLinger(unsentBytes: number, nowMs: number): boolean {
    if (unsentBytes === 0) return true;
    this.#forgetLingering(nowMs);
    // Half, so that who is gone cannot use up what those have who are still there.
    if (this.#lingeringBytes + unsentBytes > this.#bounds.maxTotalUnsentBytes / 2) return false;
    this.#lingering.push({ bytes: unsentBytes, untilMs: nowMs + LINGER_MS });
    this.#lingeringBytes += unsentBytes;
    return true;
  }

  /**
   * Drops the largest while there is too much of everything. Call after `note` where the library allows it: sockets
   * are gone when this returns.
   */
  relieve(): void {
    while (this.totalBytes > this.#bounds.maxTotalUnsentBytes) {
      const largest = this.#largest();
      if (!largest) return;
      this.forget(largest);
      largest.drop();
    }
  }

  /** Looks at the time; call once a second. */
  tick(nowMs: number): void {
    this.#forgetLingering(nowMs);
    for (const socket of this.#pressed) this.#judge(socket, nowMs);
    this.relieve();
  }

  #judge(socket: PressedSocket, nowMs: number): void {
    const { maxUnsentBytes } = this.#bounds;
    const { backlog } = socket;
    if (backlog.bytes > maxUnsentBytes) return socket.closeSlow();
    const isMuch = backlog.bytes > maxUnsentBytes / 2;
    const isLong = nowMs - backlog.sinceMs >= MAX_UNSENT_MS;
    const reads = backlog.progressMs > 0 && nowMs - backlog.progressMs < PROGRESS_MS;
    const mayBlame = isMuch || (isLong && reads && nowMs >= backlog.excusedUntilMs);
    if (mayBlame && socket.blameOther()) backlog.excusedUntilMs = nowMs + EXCUSED_MS;
    if (isLong && !(reads && nowMs < backlog.excusedUntilMs)) socket.closeSlow();
  }

  #largest(): PressedSocket | undefined {
    let largest: PressedSocket | undefined;
    for (const socket of this.#pressed) {
      if (!largest || socket.backlog.bytes > largest.backlog.bytes) largest = socket;
    }
    return largest;
  }

  #forgetLingering(nowMs: number): void {
    const kept = this.#lingering.findIndex(({ untilMs }) => untilMs > nowMs);
    const gone = this.#lingering.splice(0, kept < 0 ? this.#lingering.length : kept);
    for (const { bytes } of gone) this.#lingeringBytes -= bytes;
  }
}
