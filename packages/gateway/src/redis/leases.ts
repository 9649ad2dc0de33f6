/** Leases in Redis: keys that run out. */
import { randomBytes } from 'node:crypto';
import { LEASE_MS, type Leases, type Renewal } from '../leases.ts';
import { type NodeId } from '../names.ts';
import { type RedisConnection } from './connect.ts';
import { CLUSTER_KEY, nodeKey } from './keys.ts';

export class RedisLeases implements Leases {
  readonly #connection: RedisConnection;
  readonly #node: NodeId;

  constructor(connection: RedisConnection, node: NodeId) {
    this.#connection = connection;
    this.#node = node;
  }

  async renew(): Promise<Renewal> {
    // What is there lives on without memory for it; only what is not is written.
    const { client } = this.#connection;
    const [isHeld, known] = await this.#reach(() =>
      Promise.all([
        client.pexpire(nodeKey(this.#node), LEASE_MS),
        client.get(CLUSTER_KEY),
        client.pexpire(CLUSTER_KEY, LEASE_MS),
      ]),
    );
    if (isHeld === 1 && known !== null) return { wasHeld: true, generation: known };
    return this.#take();
  }

  async areHeld(nodes: readonly NodeId[]): Promise<readonly boolean[]> {
    const { client } = this.#connection;
    const counts = await this.#reach(() => Promise.all(nodes.map((node) => client.exists(nodeKey(node)))));
    return counts.map((count) => count === 1);
  }

  async release(): Promise<void> {
    await this.#reach(() => this.#connection.client.del(nodeKey(this.#node)));
  }

  async #take(): Promise<Renewal> {
    const { client } = this.#connection;
    const fresh = randomBytes(8).toString('hex');
    const [before, generation] = await this.#reach(() =>
      Promise.all([
        client.set(nodeKey(this.#node), '1', 'PX', LEASE_MS, 'GET'),
        client.set(CLUSTER_KEY, fresh, 'PX', LEASE_MS, 'NX', 'GET'),
        client.pexpire(CLUSTER_KEY, LEASE_MS),
      ]),
    );
    return { wasHeld: before !== null, generation: generation ?? fresh };
  }

  async #reach<T>(work: () => Promise<T>): Promise<T> {
    try {
      await this.#connection.ready();
      return await work();
    } catch (error) {
      throw this.#connection.asUnavailable('leases', error);
    }
  }
}
