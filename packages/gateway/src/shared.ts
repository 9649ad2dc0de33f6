/** PORT: all that the nodes of a cluster share, opened together and closed together. */
import { type Backplane } from './backplane.ts';
import { type Leases } from './leases.ts';
import { type RoomStore } from './room-store.ts';

/** Whether what is published to this node is heard by it. */
export interface ProbeReadings {
  readonly sent: number;
  readonly missed: number;
  /** Times that a connection was given up for being deaf. */
  readonly rebuilt: number;
  /** Since when the quietest group of subscriptions was not heard. */
  readonly oldestMs: number;
}

export interface Shared {
  readonly store: RoomStore;
  readonly backplane: Backplane;
  readonly leases: Leases;
  /** Why it is out of reach right now; `undefined` when it is not. */
  trouble(): string | undefined;
  /** What of it this node may not do; `undefined` when it may do all it needs. */
  refusal(): string | undefined;
  /** `undefined` where nothing can go deaf. */
  probes(): ProbeReadings | undefined;
  /** Waits, briefly, for what is on its way, and disconnects. Never rejects. */
  close(): Promise<void>;
}
