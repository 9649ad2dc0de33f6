/**
 * The receiving half of a link: items in order, each once, whatever arrives. Pure: time is passed in.
 */
import { type EnvelopeHeader } from './envelope-header.ts';
import { Assembly, decodeRawItems, type Item, type RawItem } from './envelope.ts';

/** Acknowledging waits for something to travel along with. */
export const ACK_DELAY_MS = 100;
/** A sender that is fast is told earlier that it may go on. */
const ACK_BYTES = 1024 * 1024;
/** A Redis Cluster may reorder around a slot that moves: for so long a gap may close by itself. */
const GAP_GRACE_MS = 30;
const ASK_EVERY_MS = 300;
/** What came too early and is kept meanwhile; more is dropped, and asked for later. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

export interface IncomingCounts {
  duplicateItems: number;
  gaps: number;
}

interface NumberedItem {
  readonly number: number;
  readonly raw: RawItem;
}

export class Incoming {
  readonly stream: number;
  readonly #counts: IncomingCounts;
  readonly #deliver: (item: Item) => void;
  readonly #assembly = new Assembly();
  readonly #held = new Map<number, NumberedItem[]>();
  #heldBytes = 0;
  #nextItem = 1;
  #lastItem = 0;
  #bytesToAcknowledge = 0;
  #ackDueMs: number | undefined;
  #askDueMs: number | undefined;

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
    const items = numbered(header.firstItem, envelope);
    const before = this.#nextItem;
    this.#lastItem = Math.max(this.#lastItem, header.lastItem);
    this.#take(items, envelope.length);
    for (let more = this.#held.get(this.#nextItem); more; more = this.#held.get(this.#nextItem)) {
      this.#release(this.#nextItem, more);
      this.#take(more, 0);
    }
    if (header.wantsAnswer || (items.length > 0 && this.#nextItem === before)) {
      // A question, or what was here before: the sender has waited for an answer.
      this.#ackDueMs = nowMs;
    } else if (this.#nextItem > before) {
      this.#bytesToAcknowledge += envelope.length;
      this.#ackDueMs =
        this.#bytesToAcknowledge >= ACK_BYTES ? nowMs : (this.#ackDueMs ?? nowMs + ACK_DELAY_MS);
    }
    this.#mindGap(items.length, nowMs);
  }

  /** What is due was sent: with a gap, it asked for what is missing. */
  onAnswered(nowMs: number): void {
    this.#ackDueMs = undefined;
    this.#bytesToAcknowledge = 0;
    if (this.#askDueMs !== undefined && nowMs >= this.#askDueMs) this.#askDueMs = nowMs + ASK_EVERY_MS;
  }

  /** Whether what is sent now should ask: a gap may still close by itself. */
  asks(nowMs: number): boolean {
    return this.#askDueMs !== undefined && nowMs >= this.#askDueMs;
  }

  #take(items: readonly NumberedItem[], envelopeBytes: number): void {
    for (const { number, raw } of items) {
      if (number < this.#nextItem) {
        this.#counts.duplicateItems += 1;
        continue;
      }
      if (number > this.#nextItem) return this.#hold(items, envelopeBytes);
      this.#nextItem += 1;
      const item = this.#assembly.add(raw);
      if (item) this.#deliver(item);
    }
  }

  /** Too early as a whole: within an envelope numbers follow each other. */
  #hold(items: readonly NumberedItem[], envelopeBytes: number): void {
    const [first] = items;
    if (!first || this.#held.has(first.number) || this.#heldBytes + envelopeBytes > MAX_HELD_BYTES) return;
    this.#heldBytes += envelopeBytes;
    // The envelope's memory is not ours to keep.
    const kept = items.map(({ number, raw }) => ({ number, raw: ownCopy(raw) }));
    this.#held.set(first.number, kept);
  }

  #release(number: number, items: readonly NumberedItem[]): void {
    this.#held.delete(number);
    for (const { raw } of items) this.#heldBytes -= raw.end - raw.start;
    if (this.#held.size === 0) this.#heldBytes = 0;
  }

  #mindGap(itemCount: number, nowMs: number): void {
    if (!this.hasGap) {
      this.#askDueMs = undefined;
      this.#dropPassed();
      return;
    }
    if (this.#askDueMs === undefined) this.#counts.gaps += 1;
    // A sender that only tells its last number has waited long enough.
    const dueMs = itemCount === 0 ? nowMs : nowMs + GAP_GRACE_MS;
    this.#askDueMs = Math.min(this.#askDueMs ?? dueMs, dueMs);
  }

  #dropPassed(): void {
    for (const [number, items] of this.#held) if (number < this.#nextItem) this.#release(number, items);
  }
}

function numbered(firstItem: number, envelope: Uint8Array): NumberedItem[] {
  let number = firstItem - 1;
  return Array.from(decodeRawItems(envelope), (raw) => ({ number: (number += 1), raw }));
}

function ownCopy(raw: RawItem): RawItem {
  const envelope = raw.envelope.slice(raw.start, raw.end);
  return { ...raw, envelope, start: 0, end: envelope.length };
}
