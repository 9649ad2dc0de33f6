/** What this node believes of the others: alive, or gone. */
import { type Leases } from './leases.ts';
import { type NodeId } from './names.ts';

/** So long a node without a lease is given to come back before its seats are taken. */
const SUSPECTED_MS = 4000;

export class Neighbours {
  readonly #leases: Leases;
  readonly #alive = new Set<NodeId>();
  readonly #missedOnce = new Set<NodeId>();
  /** Nodes that somebody asked about and that had no lease, and since when. */
  readonly #suspects = new Map<NodeId, number>();
  #judgesFromMs = 0;

  constructor(leases: Leases) {
    this.#leases = leases;
  }

  /** After an outage nobody is judged for a while: the others have to renew their leases first. */
  suspendJudgement(untilMs: number): void {
    this.#judgesFromMs = untilMs;
    this.#alive.clear();
    this.#missedOnce.clear();
    this.#suspects.clear();
  }

  /** Whether a room of this node is worth joining. Rejects with `Unavailable` when that cannot be known. */
  async isAlive(node: NodeId, nowMs: number): Promise<boolean> {
    if (this.#alive.has(node) || nowMs < this.#judgesFromMs) return true;
    const [isHeld = false] = await this.#leases.areHeld([node]);
    if (isHeld) this.#alive.add(node);
    return isHeld;
  }

  /** Whether a node had no lease some seconds ago and has none now. Rejects with `Unavailable` as well. */
  async isGone(node: NodeId, nowMs: number): Promise<boolean> {
    if (await this.isAlive(node, nowMs)) {
      this.#suspects.delete(node);
      return false;
    }
    const sinceMs = this.#suspects.get(node) ?? nowMs;
    this.#suspects.set(node, sinceMs);
    return nowMs - sinceMs >= SUSPECTED_MS;
  }

  /** Looks at the leases of `nodes`; answers those that were missed twice in a row: they are gone. */
  async findGone(nodes: readonly NodeId[], nowMs: number): Promise<readonly NodeId[]> {
    if (nowMs < this.#judgesFromMs) return [];
    const held = await this.#leases.areHeld(nodes);
    const gone: NodeId[] = [];
    this.#alive.clear();
    for (const [index, node] of nodes.entries()) {
      if (held[index]) {
        this.#alive.add(node);
        this.#missedOnce.delete(node);
      } else if (this.#missedOnce.delete(node)) gone.push(node);
      else this.#missedOnce.add(node);
    }
    return gone;
  }
}
