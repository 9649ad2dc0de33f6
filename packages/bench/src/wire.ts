/** WMBP as the load speaks it: commands built once, `from` read without allocating, every other event decoded. */
import { decodeCbor, encodeCbor, encodeHead, MAJOR, type CborMap } from './cbor.ts';

/** Where a `from` holds what: `at` is the payload's first byte, `stride` the distance of its bytes. */
export interface From {
  player: number;
  at: number;
  length: number;
}

const FROM = Buffer.from('\xa3\x63cmd\x64from\x64from', 'latin1');

export function encodePrepare(maxPlayers: number): Buffer {
  return encodeCbor({ cmd: 'prepare', max_players: maxPlayers, name: 'bench' });
}

/** `data` as an array of integers, like the reference's. The payload's first byte is at `dataAt`. */
export function encodeTo(to: readonly number[], payload: Uint8Array): { bytes: Buffer; dataAt: number } {
  const bytes = encodeCbor({ cmd: 'to', to, data: [...payload] });
  const items = encodeCbor([...payload]);
  return { bytes, dataAt: bytes.length - items.length + encodeHead(MAJOR.array, payload.length).length };
}

/** Fills `from` if the event is a `from` (in the field order and integer forms that REFERENCE.md §2 fixes). */
export function readFrom(bytes: Buffer, start: number, end: number, from: From): boolean {
  // Only `from` has three fields and a four-letter command.
  if (bytes[start] !== 0xa3 || bytes[start + 5] !== 0x64 || end - start < FROM.length) return false;
  let at = start + FROM.length;
  from.player = argumentAt(bytes, at);
  at += headBytes(bytes, at) + '\x64data'.length;
  from.length = argumentAt(bytes, at);
  from.at = at + headBytes(bytes, at);
  return true;
}

export function decodeEvent(bytes: Buffer, start: number): CborMap {
  const event = decodeCbor(bytes, start);
  if (typeof event !== 'object' || Array.isArray(event)) throw new Error('an event: expected a CBOR map');
  return event as CborMap;
}

function headBytes(bytes: Buffer, at: number): number {
  const low = (bytes[at] ?? 0) & 31;
  return low < 24 ? 1 : 1 + (1 << (low - 24));
}

function argumentAt(bytes: Buffer, at: number): number {
  const length = headBytes(bytes, at) - 1;
  return length === 0 ? (bytes[at] ?? 0) & 31 : bytes.readUIntBE(at + 1, length);
}
