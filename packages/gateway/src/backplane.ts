/** PORT: pub/sub between nodes, at most once. */

export interface Backplane {
  /**
   * Resolves when every envelope published on `channel` from then on is heard here. One subscription a channel;
   * calls for one channel take effect in the order made. Envelopes of one publisher on one channel arrive in the
   * order published, each at most once, never during `subscribe` or `publish`. `onEnvelope` must not throw; the
   * envelope is the receiver's to read and to keep, not to change, and nobody else changes it.
   */
  subscribe(channel: string, onEnvelope: (envelope: Uint8Array) => void): Promise<void>;

  /** After this resolves `onEnvelope` is not called any more. Unknown channels are no error. */
  unsubscribe(channel: string): Promise<void>;

  /**
   * Calls `onAnswer` once, never during the call, with the number of subscribers it was handed to: 0 means surely lost,
   * 1 that it may still arrive. `undefined`: that cannot be known. Copies nothing: `envelope` must never change again.
   */
  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void;
}

/** Must not throw. A function, and no promise, since one would cost a busy link more than it tells. */
export type OnAnswer = (receivers: number | undefined) => void;
