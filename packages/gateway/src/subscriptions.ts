/** Which rooms' channels this node hears: one subscription a room, kept while somebody uses it. */
import { type RoomCode } from '@wmbp/protocol';
import { type Backplane } from './backplane.ts';
import { channelOf } from './channels.ts';
import { detach, type Log } from './log.ts';
import { type NodeId } from './names.ts';

/** Who joined while its room ended elsewhere still speaks to it, and is to be told. */
const LATER_MS = 5000;

interface Subscription {
  uses: number;
  readonly ready: Promise<void>;
}

export class Subscriptions {
  readonly #backplane: Backplane;
  readonly #node: NodeId;
  readonly #onEnvelope: (room: RoomCode, envelope: Uint8Array) => void;
  readonly #log: Log;
  readonly #byRoom = new Map<RoomCode, Subscription>();
  readonly #waiting = new Set<NodeJS.Timeout>();

  constructor(
    backplane: Backplane,
    node: NodeId,
    onEnvelope: (room: RoomCode, envelope: Uint8Array) => void,
    log: Log,
  ) {
    this.#backplane = backplane;
    this.#node = node;
    this.#onEnvelope = onEnvelope;
    this.#log = log;
  }

  get count(): number {
    return this.#byRoom.size;
  }

  /** Adds a use; resolves when the room's channel is heard. When it rejects there is no use to release. */
  async hear(room: RoomCode): Promise<void> {
    let subscription = this.#byRoom.get(room);
    if (!subscription) {
      const onEnvelope = (envelope: Uint8Array): void => {
        try {
          this.#onEnvelope(room, envelope);
        } catch (error) {
          this.#log.error({ error, room }, 'an envelope could not be dealt with');
        }
      };
      subscription = { uses: 0, ready: this.#backplane.subscribe(channelOf(room, this.#node), onEnvelope) };
      this.#byRoom.set(room, subscription);
    }
    subscription.uses += 1;
    try {
      await subscription.ready;
    } catch (error) {
      this.release(room);
      throw error;
    }
  }

  /** Adds a use to a subscription that is in use; false when there is none. */
  retain(room: RoomCode): boolean {
    const subscription = this.#byRoom.get(room);
    if (subscription) subscription.uses += 1;
    return subscription !== undefined;
  }

  /** Takes a use away some seconds from now. */
  releaseLater(room: RoomCode): void {
    const timer = setTimeout(() => {
      this.#waiting.delete(timer);
      this.release(room);
    }, LATER_MS);
    timer.unref();
    this.#waiting.add(timer);
  }

  /** Forgets what is to be released later. */
  close(): void {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#waiting.clear();
  }

  /** Takes a use away; the last one ends the subscription. */
  release(room: RoomCode): void {
    const subscription = this.#byRoom.get(room);
    if (!subscription) return;
    subscription.uses -= 1;
    if (subscription.uses > 0) return;
    this.#byRoom.delete(room);
    detach(
      this.#backplane.unsubscribe(channelOf(room, this.#node)),
      this.#log,
      { room },
      'unsubscribe failed',
    );
  }
}
