/** The fields of one message, whatever it is encoded in: what the codec asks of CBOR and JSON alike. */
import { ProtocolError } from './errors.ts';
import { type PlayerId } from './names.ts';
import { Words } from './words.ts';

/** Fields that mean something; every other one is skipped. The numbers are places in `FIELD_NAMES`. */
export const FIELD = {
  cmd: 0,
  to: 1,
  data: 2,
  player: 3,
  max_players: 4,
  name: 5,
  from: 6,
  key: 7,
  reason: 8,
  players: 9,
  accept_conns: 10,
} as const;

export type Field = (typeof FIELD)[keyof typeof FIELD];

export const FIELD_NAMES = new Words(Object.keys(FIELD));

export const NO_FIELD = -1;
export const MAX_U32 = 0xffff_ffff;

/**
 * Values by field. The message is well-formed as a whole when it is made; each value is looked at when it is
 * asked for. A field that is missing, null or undefined is `undefined`; of a field that occurs twice the last
 * one counts. Each method throws `ProtocolError('invalid')` for a value of another kind.
 */
export interface Fields {
  /** Which of `words` the text is; `undefined` also for another text. */
  word<Text extends string>(field: Field, words: Words<Text>): Text | undefined;
  /** 0 to 4294967295. */
  u32(field: Field): number | undefined;
  /** An array of u32. Null and undefined in it are left out; `[]` is `'all'`, unlike `[null]`. */
  ids(field: Field): 'all' | PlayerId[] | undefined;
  /** A byte string or an array of integers from 0 to 255: a view of the message, or memory of its own. */
  octets(field: Field): Uint8Array | undefined;
  /** Valid UTF-8: a view of the message, or memory of its own. */
  text(field: Field): Uint8Array | undefined;
}

/** One place for every field, none of them seen yet. */
export function noPlaces(): number[] {
  return [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];
}

export function wrongKind(field: Field, expected: string, came: string): ProtocolError {
  return new ProtocolError('invalid', `${FIELD_NAMES.list[field] ?? ''}: expected ${expected}, came ${came}`);
}
