/** CBOR and odd WebSocket traffic by hand, for tests: what no encoder of ours would send. */
import { type HostEvent, type PlayerId, playerId } from '@wmbp/protocol';
import { within, type TestPeer } from '@wmbp/testkit';

/** How long the number in a head is: in the head itself, or in so many bytes behind it. */
export type Form = 'short' | 1 | 2 | 4 | 8;

export const UNDEFINED = Uint8Array.of(0xf7);
export const NULL = Uint8Array.of(0xf6);
const BREAK = Uint8Array.of(0xff);
const ADDITIONAL = { 1: 24, 2: 25, 4: 26, 8: 27 } as const;

export function integer(value: number, form: Form = formOf(value)): Uint8Array {
  return head(0, value, form);
}

export function octets(bytes: Uint8Array, form: Form = formOf(bytes.length)): Uint8Array {
  return concat([head(2, bytes.length, form), bytes]);
}

export function text(value: string, form: Form = formOf(Buffer.byteLength(value))): Uint8Array {
  return concat([head(3, Buffer.byteLength(value), form), Buffer.from(value)]);
}

export function array(
  items: readonly Uint8Array[],
  form: Form | 'indefinite' = formOf(items.length),
): Uint8Array {
  if (form === 'indefinite') return concat([Uint8Array.of(0x9f), ...items, BREAK]);
  return concat([head(4, items.length, form), ...items]);
}

/** An array of integers, as the reference encodes bytes. */
export function integers(bytes: Uint8Array): Uint8Array {
  const items = bytes.reduce<number[]>((all, byte) => {
    if (byte > 23) all.push(0x18);
    all.push(byte);
    return all;
  }, []);
  return concat([head(4, bytes.length, formOf(bytes.length)), Uint8Array.from(items)]);
}

export function map(entries: readonly (readonly [string, Uint8Array])[], isIndefinite = false): Uint8Array {
  const pairs = entries.flatMap(([key, value]) => [text(key), value]);
  if (isIndefinite) return concat([Uint8Array.of(0xbf), ...pairs, BREAK]);
  return concat([head(5, entries.length, formOf(entries.length)), ...pairs]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Bytes that differ from their neighbours, so that a shift shows. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
}

export function stateOf(
  players: readonly number[],
  maxPlayers: number,
  isOpen: boolean,
  name = '',
): HostEvent {
  const ids: PlayerId[] = players.map(playerId);
  return { cmd: 'state', name, players: ids, max_players: maxPlayers, accept_conns: isOpen };
}

/** Resolves when the gateway has taken everything that this peer sent: it answers a ping after that. */
export async function arrived(peer: TestPeer): Promise<void> {
  const pong = new Promise((resolve) => peer.socket.once('pong', resolve));
  peer.socket.ping();
  await within('the pong', pong);
}

function formOf(value: number): Form {
  if (value < 24) return 'short';
  if (value < 0x100) return 1;
  return value < 0x1_0000 ? 2 : 4;
}

function head(major: number, value: number, form: Form): Uint8Array {
  if (form === 'short') return Uint8Array.of((major << 5) | value);
  const bytes = Buffer.alloc(1 + form);
  bytes[0] = (major << 5) | ADDITIONAL[form];
  if (form === 8) bytes.writeBigUInt64BE(BigInt(value), 1);
  else bytes.writeUIntBE(value, 1, form);
  return bytes;
}
