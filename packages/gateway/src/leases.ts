/** PORT: who is alive. */
import { type NodeId } from './names.ts';

/** How long a lease lasts without being renewed. */
export const LEASE_MS = 15_000;

export interface Renewal {
  /** This node's lease had not run out. */
  readonly wasHeld: boolean;
  /** Changes only when everything that nodes share was lost, or nobody renewed for `LEASE_MS`. */
  readonly generation: string;
}

/** Rejects with `Unavailable` when the leases cannot be reached. */
export interface Leases {
  /** Takes or renews the lease of this node, for `LEASE_MS` from now on. */
  renew(): Promise<Renewal>;

  /** Which of these nodes hold a lease now, in the same order. */
  areHeld(nodes: readonly NodeId[]): Promise<readonly boolean[]>;

  /** Gives this node's lease up. */
  release(): Promise<void>;
}
