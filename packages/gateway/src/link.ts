/**
 * One link: the ordered streams of items between this node and another, for one room, in both directions. Pure:
 * a clock, a way to publish and a way to deliver are passed in; README.md, "Between nodes", has the model in words.
 *
 * Both streams belong together. The player's node begins, with a stream of its own; the host's node answers with
 * one that names it. What names another stream than the current one belongs to a link of the past.
 */
import { emptyEnvelope, writeHeader, type EnvelopeHeader } from './envelope-header.ts';
import { type Item } from './envelope.ts';
import { Incoming, type IncomingCounts } from './incoming.ts';
import { type Epoch, type NodeId } from './names.ts';
import { Outgoing, type Emit, type LinkBudget, type OutgoingCounts } from './outgoing.ts';

export interface LinkEnds {
  readonly epoch: Epoch;
  readonly source: NodeId;
  /** Larger than that of any earlier link of this node. */
  readonly stream: number;
}

export interface LinkWays {
  now(): number;
  /** Sends to the other node; the memory is the backplane's from now on. Failures come back by `onFailed`. */
  publish(envelope: Uint8Array): void;
  deliver(item: Item): void;
  /** What waits has waited for too long: give the link up. */
  onLost(): void;
  /** There is something to send at the end of this turn, or to look at by the clock: call `flush`, then `tick`. */
  wake(): void;
}

export type LinkCounts = OutgoingCounts & IncomingCounts;

export class Link {
  readonly #ends: LinkEnds;
  readonly #ways: LinkWays;
  readonly #counts: LinkCounts;
  readonly #outgoing: Outgoing;
  #incoming: Incoming | undefined;
  #isClosed = false;

  constructor(ends: LinkEnds, budget: LinkBudget, counts: LinkCounts, ways: LinkWays) {
    this.#ends = ends;
    this.#ways = ways;
    this.#counts = counts;
    const publish = (...emitted: Parameters<Emit>): void => this.#publish(...emitted);
    this.#outgoing = new Outgoing(budget, counts, () => ways.now(), publish);
  }

  get stream(): number {
    return this.#ends.stream;
  }

  /** The other node's stream; 0 until it is known. */
  get peerStream(): number {
    return this.#incoming?.stream ?? 0;
  }

  /** Whether an envelope belongs to this link, and not to an earlier or a later one between the two nodes. */
  isContinuedBy({ stream, peerStream }: EnvelopeHeader): boolean {
    if (peerStream !== 0 && peerStream !== this.#ends.stream) return false;
    if (this.#incoming) return stream === this.#incoming.stream;
    return peerStream !== 0;
  }

  /** Everything has arrived, both ways, and the other node knows it. */
  get isSettled(): boolean {
    return this.#outgoing.isSettled && this.#incoming?.deadlineMs === undefined;
  }

  /** When `tick` is due; `undefined` for a link that is idle. */
  get deadlineMs(): number | undefined {
    const outgoing = this.#outgoing.deadlineMs;
    const incoming = this.#incoming?.deadlineMs;
    if (outgoing === undefined || incoming === undefined) return outgoing ?? incoming;
    return Math.min(outgoing, incoming);
  }

  /** Payloads are copied before this returns. False when there is no room for this frame: it is not sent. */
  append(item: Item): boolean {
    if (!this.#outgoing.append(item)) return false;
    this.#ways.wake();
    return true;
  }

  /** The turn is over. */
  flush(): void {
    if (!this.#isClosed) this.#outgoing.flush(this.#ways.now());
  }

  /** @param header one that continues this link, or for a new link the other node's first */
  receive(header: EnvelopeHeader, envelope: Uint8Array): void {
    this.#incoming ??= new Incoming(header.stream, this.#counts, (item) => {
      if (!this.#isClosed) this.#ways.deliver(item);
    });
    const nowMs = this.#ways.now();
    if (header.peerStream !== 0) this.#outgoing.onAcknowledged(header.acknowledged, header.asksAgain, nowMs);
    this.#incoming.receive(header, envelope, nowMs);
    this.#ways.wake();
  }

  /** What was published did surely not, or may not, arrive. */
  onFailed(): void {
    this.#outgoing.onFailed();
  }

  /** Does what is due by the clock. */
  tick(): void {
    if (this.#isClosed) return;
    const nowMs = this.#ways.now();
    if (this.#outgoing.isStale(nowMs)) return this.#ways.onLost();
    this.#outgoing.tick(nowMs);
    const dueMs = this.#incoming?.deadlineMs;
    if (dueMs !== undefined && nowMs >= dueMs) {
      this.#publish(emptyEnvelope(), this.#outgoing.lastPublished + 1, false);
    }
  }

  /** Nothing is sent or delivered any more. */
  close(): void {
    this.#isClosed = true;
    this.#outgoing.close();
  }

  #publish(envelope: Uint8Array, firstItem: number, wantsAnswer: boolean): void {
    const nowMs = this.#ways.now();
    const incoming = this.#incoming;
    const { epoch, source, stream } = this.#ends;
    writeHeader(envelope, {
      epoch,
      source,
      stream,
      peerStream: this.peerStream,
      firstItem,
      lastItem: this.#outgoing.lastPublished,
      acknowledged: incoming?.acknowledged ?? 0,
      asksAgain: incoming?.asks(nowMs) ?? false,
      wantsAnswer,
      isGone: false,
    });
    incoming?.onAnswered(nowMs);
    this.#ways.publish(envelope);
  }
}
