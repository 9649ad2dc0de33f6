/** Pub/sub within one process: nodes that share the instance hear each other. */
import { type Backplane, type OnAnswer } from '../backplane.ts';

type Ear = (envelope: Uint8Array) => void;

/** Hands out one `Backplane` per node; a channel may be subscribed once by each. */
export class MemoryBackplane implements Backplane {
  readonly #channels: Map<string, Set<Ear>>;
  readonly #own = new Map<string, Ear>();

  /** @param peer another node's backplane to be connected with */
  constructor(peer?: MemoryBackplane) {
    this.#channels = peer ? peer.#channels : new Map();
  }

  subscribe(channel: string, onEnvelope: Ear): Promise<void> {
    this.#remove(channel);
    this.#own.set(channel, onEnvelope);
    const ears = this.#channels.get(channel);
    if (ears) ears.add(onEnvelope);
    else this.#channels.set(channel, new Set([onEnvelope]));
    return Promise.resolve();
  }

  unsubscribe(channel: string): Promise<void> {
    this.#remove(channel);
    return Promise.resolve();
  }

  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    const ears = [...(this.#channels.get(channel) ?? [])];
    for (const ear of ears) {
      queueMicrotask(() => {
        if (this.#channels.get(channel)?.has(ear)) ear(envelope);
      });
    }
    queueMicrotask(() => onAnswer(ears.length));
  }

  #remove(channel: string): void {
    const ear = this.#own.get(channel);
    if (!ear) return;
    this.#own.delete(channel);
    const ears = this.#channels.get(channel);
    ears?.delete(ear);
    if (ears?.size === 0) this.#channels.delete(channel);
  }
}
