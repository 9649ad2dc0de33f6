/**
 * The receiving half of a link: items in order, each once, whatever arrives. Pure: time is passed in.
 */
import { HEADER_BYTES, type EnvelopeHeader } from './envelope-header.ts';
import { type Item } from './envelope.ts';
import { endOfItem, FIRST_ITEM_AT, ItemReader } from './item-reader.ts';

/** Acknowledging waits for something to travel along with. */
export const ACK_DELAY_MS = 100;
/** A sender that is fast is told earlier that it may go on. */
const ACK_BYTES = 1024 * 1024;
/** A Redis Cluster may reorder around a slot that moves: for so long a gap may close by itself. */
const GAP_GRACE_MS = 30;
/** What is on its way is not asked for: longer than one envelope takes after another, and longer each time. */
const ASK_AGAIN_MS = 300;
const LONGEST_ASK_AGAIN_MS = 2000;
/** What came too early and is kept meanwhile; more is dropped, and asked for later. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

export interface IncomingCounts {
  duplicateItems: number;
  gaps: number;
}

export class Incoming {
  readonly stream: number;
  readonly #counts: IncomingCounts;
  readonly #deliver: (item: Item) => void;
  readonly #items = new ItemReader();
  /** Early envelopes by their first item. */
  readonly #held = new Map<number, Uint8Array>();
  #heldBytes = 0;
  #nextItem = 1;
  #lastItem = 0;
  #bytesToAcknowledge = 0;
  #ackDueMs: number | undefined;
  #askDueMs: number | undefined;
  #askAgainMs = ASK_AGAIN_MS;
  /** Since the next item came last. */
  #hasAsked = false;

  constructor(stream: number, counts: IncomingCounts, deliver: (item: Item) => void) {
    this.stream = stream;
    this.#counts = counts;
    this.#deliver = deliver;
  }

  get acknowledged(): number {
    return this.#nextItem - 1;
  }

  /** Later items are there, or are known of, and the next one is not. */
  get hasGap(): boolean {
    return this.#lastItem >= this.#nextItem;
  }

  /** When something should be sent back even if there is nothing to send. */
  get deadlineMs(): number | undefined {
    if (this.#ackDueMs === undefined || this.#askDueMs === undefined) return this.#ackDueMs ?? this.#askDueMs;
    return Math.min(this.#ackDueMs, this.#askDueMs);
  }

  receive(header: EnvelopeHeader, envelope: Uint8Array, nowMs: number): void {
    const hasItems = envelope.length > HEADER_BYTES;
    const before = this.#nextItem;
    this.#lastItem = Math.max(this.#lastItem, header.lastItem);
    if (header.firstItem > this.#nextItem) {
      if (hasItems) this.#hold(header.firstItem, envelope);
    } else {
      this.#take(header.firstItem, envelope);
      this.#takeHeld();
    }
    if (header.wantsAnswer || (hasItems && this.#nextItem === before)) {
      // A question, or what was here before: the sender has waited for an answer.
      this.#ackDueMs = nowMs;
    } else if (this.#nextItem > before) {
      this.#bytesToAcknowledge += envelope.length;
      this.#ackDueMs =
        this.#bytesToAcknowledge >= ACK_BYTES ? nowMs : (this.#ackDueMs ?? nowMs + ACK_DELAY_MS);
    }
    this.#mindGap(hasItems, this.#nextItem > before, nowMs);
  }

  /** What is due was sent: with a gap, it asked for what is missing. */
  onAnswered(nowMs: number): void {
    this.#ackDueMs = undefined;
    this.#bytesToAcknowledge = 0;
    if (!this.asks(nowMs)) return;
    this.#hasAsked = true;
    this.#askDueMs = nowMs + this.#askAgainMs;
    this.#askAgainMs = Math.min(2 * this.#askAgainMs, LONGEST_ASK_AGAIN_MS);
  }

  /** Whether what is sent now should ask: a gap may still close by itself. */
  asks(nowMs: number): boolean {
    return this.#askDueMs !== undefined && nowMs >= this.#askDueMs;
  }

  #take(firstItem: number, envelope: Uint8Array): void {
    let number = firstItem;
    for (let start = FIRST_ITEM_AT; start < envelope.length; number += 1) {
      const end = endOfItem(envelope, start);
      if (number < this.#nextItem) {
        this.#counts.duplicateItems += 1;
      } else {
        this.#nextItem += 1;
        const item = this.#items.read(envelope, start, end);
        if (item) this.#deliver(item);
      }
      start = end;
    }
  }

  /** Too early as a whole: within an envelope numbers follow each other. */
  #hold(firstItem: number, envelope: Uint8Array): void {
    if (this.#held.has(firstItem) || this.#heldBytes + envelope.length > MAX_HELD_BYTES) return;
    this.#heldBytes += envelope.length;
    // The envelope's memory is not ours to keep.
    this.#held.set(firstItem, envelope.slice());
  }

  #takeHeld(): void {
    for (let next = this.#held.get(this.#nextItem); next; next = this.#held.get(this.#nextItem)) {
      const firstItem = this.#nextItem;
      this.#release(firstItem, next);
      this.#take(firstItem, next);
    }
  }

  #release(firstItem: number, envelope: Uint8Array): void {
    this.#held.delete(firstItem);
    this.#heldBytes -= envelope.length;
  }

  #mindGap(hasItems: boolean, hasProgressed: boolean, nowMs: number): void {
    if (hasProgressed) {
      this.#hasAsked = false;
      this.#askAgainMs = ASK_AGAIN_MS;
    }
    if (!this.hasGap) {
      this.#askDueMs = undefined;
      this.#dropPassed();
      return;
    }
    if (this.#askDueMs === undefined) this.#counts.gaps += 1;
    if (hasProgressed) {
      // After an outage a sender sends all that it has kept: the rest comes without being asked for.
      this.#askDueMs = nowMs + ASK_AGAIN_MS;
    } else if (!this.#hasAsked) {
      // A sender that only tells its last number has waited long enough.
      const dueMs = hasItems ? nowMs + GAP_GRACE_MS : nowMs;
      this.#askDueMs = Math.min(this.#askDueMs ?? dueMs, dueMs);
    }
  }

  #dropPassed(): void {
    for (const [firstItem, envelope] of this.#held) {
      if (firstItem < this.#nextItem) this.#release(firstItem, envelope);
    }
  }
}
