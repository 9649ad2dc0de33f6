/** PORT: all that the nodes of a cluster share, opened together and closed together. */
import { type Backplane } from './backplane.ts';
import { type Leases } from './leases.ts';
import { type RoomStore } from './room-store.ts';

export interface Shared {
  readonly store: RoomStore;
  readonly backplane: Backplane;
  readonly leases: Leases;
  /** Why it is out of reach right now; `undefined` when it is not. */
  trouble(): string | undefined;
  /** Waits, briefly, for what is on its way, and disconnects. Never rejects. */
  close(): Promise<void>;
}
