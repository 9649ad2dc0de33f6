/** Leases of nodes in one process; they run out only when a test says so. */
import { type Leases, type Renewal } from '../leases.ts';
import { type NodeId } from '../names.ts';

export class MemoryLeases implements Leases {
  readonly #node: NodeId;
  readonly #held: Set<NodeId>;

  /** @param peer another node's leases to be shared */
  constructor(node: NodeId, peer?: MemoryLeases) {
    this.#node = node;
    this.#held = peer ? peer.#held : new Set();
  }

  renew(): Promise<Renewal> {
    const wasHeld = this.#held.has(this.#node);
    this.#held.add(this.#node);
    return Promise.resolve({ wasHeld, generation: 'memory' });
  }

  areHeld(nodes: readonly NodeId[]): Promise<readonly boolean[]> {
    return Promise.resolve(nodes.map((node) => this.#held.has(node)));
  }

  release(): Promise<void> {
    this.#held.delete(this.#node);
    return Promise.resolve();
  }
}
