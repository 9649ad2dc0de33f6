/** Hosts that have opened no room yet: so many at most, so that idle sockets keep no honest host out. */
import { networkOf } from './rate-limit.ts';

export interface UnpreparedHost {
  readonly address: string;
  /** There are too many: makes room for another. */
  crowdOut(): void;
}

/** When there are too many, the oldest of the address that has most of them goes. */
export class UnpreparedHosts {
  readonly #max: number;
  readonly #byNetwork = new Map<string, Set<UnpreparedHost>>();
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  add(host: UnpreparedHost): void {
    if (this.#count >= this.#max) this.#crowdOutOne();
    const network = networkOf(host.address);
    const hosts = this.#byNetwork.get(network);
    if (hosts) hosts.add(host);
    else this.#byNetwork.set(network, new Set([host]));
    this.#count += 1;
  }

  /** The host has prepared, or is gone. Unknown ones are no error. */
  remove(host: UnpreparedHost): void {
    const network = networkOf(host.address);
    const hosts = this.#byNetwork.get(network);
    if (!hosts?.delete(host)) return;
    this.#count -= 1;
    if (hosts.size === 0) this.#byNetwork.delete(network);
  }

  #crowdOutOne(): void {
    let most: Set<UnpreparedHost> | undefined;
    for (const hosts of this.#byNetwork.values()) if (!most || hosts.size > most.size) most = hosts;
    for (const oldest of most ?? []) {
      this.remove(oldest);
      oldest.crowdOut();
      return;
    }
  }
}
