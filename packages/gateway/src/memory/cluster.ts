/** All that nodes share, in memory: for a node that runs alone, and for several in one process. */
import { type Shared } from '../shared.ts';
import { type NodeId } from '../names.ts';
import { MemoryBackplane } from './backplane.ts';
import { MemoryLeases } from './leases.ts';
import { MemoryRoomStore } from './room-store.ts';

/** Opens one node's share after the other; all that one instance opened see one truth. */
export class MemoryCluster {
  readonly #store = new MemoryRoomStore();
  readonly #backplane = new MemoryBackplane();
  readonly #leases = new MemoryLeases(0 as NodeId);

  open(node: NodeId): Shared {
    return {
      store: this.#store,
      backplane: new MemoryBackplane(this.#backplane),
      leases: new MemoryLeases(node, this.#leases),
      trouble: () => undefined,
      refusal: () => undefined,
      probes: () => undefined,
      close: () => Promise.resolve(),
    };
  }
}
