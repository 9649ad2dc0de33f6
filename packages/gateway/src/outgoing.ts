/**
 * The sending half of a link: numbers items, keeps what is not acknowledged, and sends it again when there is
 * reason to believe that it was lost. Pure: time is passed in, envelopes go out through a function.
 *
 * Reasons are: the receiver asks; publishing failed; or no acknowledgement came in time, and then only the last
 * item's number is told, so that the receiver asks if it lacks anything. So a slow way costs no second sending.
 */
import { emptyEnvelope } from './envelope-header.ts';
import { EnvelopeWriter, type Item } from './envelope.ts';

/** How many bytes may be under way unacknowledged: more is kept until some are. */
export const WINDOW_BYTES = 4 * 1024 * 1024;
/** Longer than acknowledging is delayed (see `Incoming`), with a round trip. */
export const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 2000;
/** The receiver may ask again and again while an answer is under way. */
const RESEND_PAUSE_MS = 100;
/** One link may not take what all of them have. */
const MAX_LINK_BYTES = 64 * 1024 * 1024;
/** A node that is gone is found out sooner; the way to one that is there may be blocked for so long. */
export const MAX_AGE_MS = 60_000;
/** What an envelope takes besides its memory. */
const ENVELOPE_COST = 100;

/** What all links of a node may keep together. */
export class LinkBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }
}

interface KeptEnvelope {
  readonly firstItem: number;
  readonly lastItem: number;
  readonly bytes: Uint8Array;
  readonly cost: number;
  readonly sealedAtMs: number;
  /** The backplane may still read it: send a copy. */
  wasPublished: boolean;
}

export interface OutgoingCounts {
  itemsOut: number;
  resentItems: number;
  /** Times that a link had a reason to send again, by reason. */
  asked: number;
  failed: number;
  silent: number;
  /** Frames that could not be kept. */
  overflows: number;
}

/** Publishes an envelope whose header is still to be written, from this item on. */
export type Emit = (envelope: Uint8Array, firstItem: number, wantsAnswer: boolean) => void;

export class Outgoing {
  readonly #budget: LinkBudget;
  readonly #counts: OutgoingCounts;
  readonly #now: () => number;
  readonly #emit: Emit;
  readonly #writer = new EnvelopeWriter(() => this.#seal(this.#now()));
  #keptBytes = 0;
  /** In order; those before `#next` are under way. */
  #kept: KeptEnvelope[] = [];
  #next = 0;
  #underWayBytes = 0;
  #lastItem = 0;
  #lastPublished = 0;
  #acknowledged = 0;
  #isSuspect = false;
  #waitMs = FIRST_WAIT_MS;
  #deadlineMs: number | undefined;
  #resentAtMs = -Infinity;

  constructor(budget: LinkBudget, counts: OutgoingCounts, now: () => number, emit: Emit) {
    this.#budget = budget;
    this.#counts = counts;
    this.#now = now;
    this.#emit = emit;
  }

  /** Number of the last item that was published, at least once. */
  get lastPublished(): number {
    return this.#lastPublished;
  }

  /** Everything has arrived. */
  get isSettled(): boolean {
    return this.#kept.length === 0 && this.#writer.items === 0;
  }

  /** When `tick` is due; `undefined` while nothing is unacknowledged. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** False when the budget cannot keep this item: it is not sent. Small items are always taken. */
  append(item: Item): boolean {
    if ('bytes' in item && !this.#hasRoomFor(item.bytes.length)) {
      this.#counts.overflows += 1;
      return false;
    }
    this.#writer.append(item);
    return true;
  }

  /** Something has waited for too long: the way is blocked. */
  isStale(nowMs: number): boolean {
    const [oldest] = this.#kept;
    return oldest !== undefined && nowMs - oldest.sealedAtMs > MAX_AGE_MS;
  }

  /** The turn is over: what was appended goes out, as far as the window allows. */
  flush(nowMs: number): void {
    if (this.#writer.items > 0) this.#seal(nowMs);
    this.#deadlineMs ??= this.#kept.length > 0 ? nowMs + this.#waitMs : undefined;
    this.#pump();
  }

  onAcknowledged(item: number, asksAgain: boolean, nowMs: number): void {
    if (item > this.#lastItem) return;
    if (item > this.#acknowledged) this.#forgetUpTo(item, nowMs);
    const isDue = asksAgain && nowMs - this.#resentAtMs >= RESEND_PAUSE_MS;
    if (isDue) this.#counts.asked += 1;
    if (isDue || this.#isSuspect) this.#sendAgain(nowMs);
    this.#pump();
  }

  /** What was published last did surely not, or may not, arrive: only a try is sent until something has. */
  onFailed(): void {
    if (this.#kept.length === 0) return;
    if (!this.#isSuspect) this.#counts.failed += 1;
    this.#isSuspect = true;
  }

  tick(nowMs: number): void {
    if (this.#deadlineMs === undefined || nowMs < this.#deadlineMs) return;
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    this.#deadlineMs = nowMs + this.#waitMs;
    const [first] = this.#kept;
    if (this.#isSuspect && first) return this.#send(first);
    this.#counts.silent += 1;
    this.#emit(emptyEnvelope(), this.#lastPublished + 1, true);
  }

  /** Gives back what is kept; nothing is sent any more. */
  close(): void {
    this.#budget.add(-this.#keptBytes);
    this.#keptBytes = 0;
    this.#kept = [];
    this.#deadlineMs = undefined;
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#keptBytes + bytes <= MAX_LINK_BYTES && this.#budget.has(bytes);
  }

  #seal(nowMs: number): void {
    const firstItem = this.#lastItem + 1;
    this.#lastItem += this.#writer.items;
    this.#counts.itemsOut += this.#writer.items;
    const cost = this.#writer.capacity + ENVELOPE_COST;
    const bytes = this.#writer.finish();
    this.#keep(cost);
    this.#kept.push({
      firstItem,
      lastItem: this.#lastItem,
      bytes,
      cost,
      sealedAtMs: nowMs,
      wasPublished: false,
    });
  }

  #keep(cost: number): void {
    this.#keptBytes += cost;
    this.#budget.add(cost);
  }

  #pump(): void {
    while (this.#next < this.#kept.length && !this.#isSuspect && this.#underWayBytes < WINDOW_BYTES) {
      const envelope = this.#kept[this.#next] as KeptEnvelope;
      this.#next += 1;
      this.#underWayBytes += envelope.bytes.length;
      this.#send(envelope);
    }
  }

  #send(envelope: KeptEnvelope): void {
    const { bytes, firstItem, lastItem, wasPublished } = envelope;
    envelope.wasPublished = true;
    this.#lastPublished = Math.max(this.#lastPublished, lastItem);
    if (wasPublished) this.#counts.resentItems += lastItem - firstItem + 1;
    this.#emit(wasPublished ? bytes.slice() : bytes, firstItem, false);
  }

  #sendAgain(nowMs: number): void {
    this.#resentAtMs = nowMs;
    this.#isSuspect = false;
    this.#next = 0;
    this.#underWayBytes = 0;
  }

  #forgetUpTo(item: number, nowMs: number): void {
    this.#acknowledged = item;
    let count = 0;
    for (const { lastItem, bytes, cost } of this.#kept) {
      if (lastItem > item) break;
      this.#keep(-cost);
      if (count < this.#next) this.#underWayBytes -= bytes.length;
      count += 1;
    }
    this.#kept.splice(0, count);
    this.#next = Math.max(0, this.#next - count);
    this.#waitMs = FIRST_WAIT_MS;
    this.#deadlineMs = this.#kept.length > 0 ? nowMs + this.#waitMs : undefined;
  }
}
