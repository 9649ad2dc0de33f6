/**
 * The addresses behind refusals that concern an address: who asks for too many unknown codes, floods, or holds sockets
 * idle. One line in each period names those who did most; whoever keeps within the limits is never written.
 */
import { type CloseName } from '@wmbp/protocol';
import { type Log } from './log.ts';
import { countIn } from './metrics.ts';
import { networkOf } from './rate-limit.ts';

const CONCERNS_ADDRESS: ReadonlySet<CloseName> = new Set<CloseName>([
  'tooManyUnknownCodes',
  'tooManyIdleHosts',
  'flooding',
  'frameTooLarge',
]);
/** Pairs of reason and address that are told apart in a period; further ones are a sum. */
const MAX_COUNTED = 1000;
const MAX_WRITTEN = 10;

export class Offenders {
  readonly #log: Log;
  readonly #isWritten: boolean;
  #counts = new Map<string, number>();
  #more = 0;

  /** @param isWritten whether addresses may be */
  constructor(log: Log, isWritten: boolean) {
    this.#log = log;
    this.#isWritten = isWritten;
  }

  /** @param address as `Socket.address` */
  note(why: CloseName, address: string): void {
    if (!this.#isWritten || !CONCERNS_ADDRESS.has(why)) return;
    const key = `${why} ${writtenOf(address)}`;
    if (this.#counts.size < MAX_COUNTED || this.#counts.has(key)) countIn(this.#counts, key);
    else this.#more += 1;
  }

  /** The end of a period: writes what it had, and forgets it. */
  write(): void {
    if (this.#counts.size === 0) return;
    const all = [...this.#counts].sort(([, count], [, other]) => other - count);
    const most = all.slice(0, MAX_WRITTEN).map(([key, count]) => {
      const [why, address] = key.split(' ');
      return { address, why, count };
    });
    const others = all.slice(MAX_WRITTEN).reduce((sum, [, count]) => sum + count, this.#more);
    this.#log.warn({ addresses: most, others }, 'turned away by address');
    this.#counts = new Map();
    this.#more = 0;
  }
}

/** What limits count as one: an IPv4 address, or the network of an IPv6 address. */
function writtenOf(address: string): string {
  const network = networkOf(address);
  return network.includes(':') ? `${network}::/64` : network;
}
