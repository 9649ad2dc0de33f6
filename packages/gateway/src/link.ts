/** One ordered stream of envelopes from this node to another, for one room. */
import { randomInt } from 'node:crypto';
import { type Backplane } from './backplane.ts';
import { EnvelopeWriter, type Item } from './envelope.ts';
import { type Metrics } from './metrics.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type Flushable, type Turn } from './turn.ts';

export interface LinkEnds {
  readonly channel: string;
  readonly epoch: Epoch;
  readonly source: NodeId;
}

/** Items of one turn of the event loop travel in one envelope, unless they are too large for one; items are numbered from 1. */
export class Link implements Flushable {
  readonly #ends: LinkEnds;
  readonly #backplane: Backplane;
  readonly #turn: Turn;
  readonly #counts: Metrics['links'];
  readonly #onLost: (receivers: 0 | undefined) => void;
  readonly #stream = randomInt(1, 2 ** 32);
  readonly #writer = new EnvelopeWriter(() => this.#publish());
  #isWaiting = false;
  #nextItem = 1;

  /** @param onLost what was published surely (0), or maybe, did not arrive: from here on the stream has a hole */
  constructor(
    ends: LinkEnds,
    backplane: Backplane,
    turn: Turn,
    counts: Metrics['links'],
    onLost: (receivers: 0 | undefined) => void,
  ) {
    this.#ends = ends;
    this.#backplane = backplane;
    this.#turn = turn;
    this.#counts = counts;
    this.#onLost = onLost;
  }

  /** Payloads are copied before this returns. */
  append(item: Item): void {
    if (!this.#isWaiting) this.#turn.add(this);
    this.#isWaiting = true;
    this.#writer.append(item);
  }

  flush(): void {
    this.#isWaiting = false;
    if (this.#writer.items > 0) this.#publish();
  }

  #publish(): void {
    const { channel, epoch, source } = this.#ends;
    const items = this.#writer.items;
    const envelope = this.#writer.finish({ epoch, source, stream: this.#stream, firstItem: this.#nextItem });
    this.#nextItem += items;
    this.#counts.envelopesOut += 1;
    this.#counts.itemsOut += items;
    this.#counts.bytesOut += envelope.length;
    this.#backplane.publish(channel, envelope).then(
      (receivers) => {
        if (receivers === 0) this.#onLost(0);
      },
      () => this.#onLost(undefined),
    );
  }
}
