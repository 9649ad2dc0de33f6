/** Ranges of IP addresses, as operators write them: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
import { BlockList, isIP } from 'node:net';

export interface IpRange {
  readonly address: string;
  readonly prefixBits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/**
 * @param text separated by commas; empty: none
 * @throws {Error} that says what was expected, and which part is something else
 */
export function parseIpRanges(text: string): readonly IpRange[] {
  if (text.trim() === '') return [];
  return text.split(',').map((part) => parseIpRange(part.trim()));
}

function parseIpRange(text: string): IpRange {
  const [, address = '', prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const maxBits = version === 4 ? 32 : 128;
  const prefixBits = Number(prefix ?? maxBits);
  if (version === 0 || prefixBits > maxBits) {
    const shown = JSON.stringify(text.slice(0, 60));
    throw new Error(
      `expected IP addresses or ranges such as 10.0.0.0/8, separated by commas; ${shown} is none`,
    );
  }
  return { address, prefixBits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** An IPv4 address and the same one mapped into IPv6 (`::ffff:10.0.0.7`) are one. */
export class IpRanges {
  readonly #ranges = new BlockList();
  readonly #isEmpty: boolean;

  constructor(ranges: readonly IpRange[]) {
    this.#isEmpty = ranges.length === 0;
    for (const { address, prefixBits, family } of ranges) this.#ranges.addSubnet(address, prefixBits, family);
  }

  /** @param address of any form; what is none, such as that of a peer that has just gone, is in no range */
  include(address: string): boolean {
    if (this.#isEmpty) return false;
    const version = isIP(address);
    return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}
