/** PROXY protocol v2 by hand: what balancers write before a connection's own bytes, and what they must not. */
import { isIP } from 'node:net';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const VERSION_2 = 0x20;
const LOCAL = 0;
const PROXY = 1;
const UNSPECIFIED = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/** @param more what follows the addresses: TLVs */
export function proxyHeader(source: string, more: Uint8Array = new Uint8Array()): Buffer {
  const isIpv6 = isIP(source) === 6;
  const address = isIpv6 ? ipv6(source) : Buffer.from(source.split('.').map(Number));
  const ports = Buffer.of(0x30, 0x39, 0x1f, 0x91);
  const block = Buffer.concat([address, address, ports, more]);
  return rawHeader(VERSION_2 | PROXY, isIpv6 ? TCP_OVER_IPV6 : TCP_OVER_IPV4, block);
}

/** What a balancer says of itself, as in a health check. @param ipv4 addresses and ports, which mean nothing here */
export function localHeader(ipv4: Uint8Array = new Uint8Array()): Buffer {
  return rawHeader(VERSION_2 | LOCAL, ipv4.length === 0 ? UNSPECIFIED : TCP_OVER_IPV4, ipv4);
}

/** @param versionAndCommand, family each one byte */
export function rawHeader(versionAndCommand: number, family: number, block: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(block.length);
  return Buffer.concat([SIGNATURE, Buffer.of(versionAndCommand, family), length, block]);
}

/** @param text eight groups, or with one `::` */
function ipv6(text: string): Buffer {
  const [left = '', right = ''] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array.from({ length: missing }, () => '0'), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
