/**
 * The fields of a message in CBOR. One pass checks that the map is well-formed and notes where each known field's
 * value is; every length in it is true from then on. The values are read when they are asked for.
 */
import { CborReader, INDEFINITE, MAJOR, SIMPLE } from './cbor-reader.ts';
import { ProtocolError } from './errors.ts';
import { FIELD_NAMES, MAX_U32, NO_FIELD, noPlaces, wrongKind, type Field, type Fields } from './fields.ts';
import { playerId, type PlayerId } from './names.ts';
import { isUtf8 } from './text.ts';
import { type Words } from './words.ts';

export class CborFields implements Fields {
  readonly #reader: CborReader;
  readonly #places: number[];

  /** @throws {ProtocolError} when the first item is no map. Bytes after it are ignored. */
  constructor(bytes: Uint8Array) {
    this.#reader = new CborReader(bytes);
    this.#places = noPlaces();
    this.#findPlaces();
  }

  word<Text extends string>(field: Field, words: Words<Text>): Text | undefined {
    if (!this.#open(field)) return undefined;
    if (this.#reader.major !== MAJOR.text) throw this.#wrongKind(field, 'a text');
    return words.list[this.#find(words)];
  }

  boolean(field: Field): boolean | undefined {
    if (!this.#open(field)) return undefined;
    const { major, argument } = this.#reader;
    if (major === MAJOR.simple && argument === SIMPLE.true) return true;
    if (major === MAJOR.simple && argument === SIMPLE.false) return false;
    throw this.#wrongKind(field, 'a boolean');
  }

  u32(field: Field): number | undefined {
    return this.#open(field) ? this.#integer(field, MAX_U32) : undefined;
  }

  ids(field: Field): 'all' | PlayerId[] | undefined {
    if (!this.#open(field)) return undefined;
    const reader = this.#reader;
    if (reader.major !== MAJOR.array) throw this.#wrongKind(field, 'an array');
    let left = reader.argument;
    if (left === 0 || (left === INDEFINITE && reader.tryBreak())) return 'all';
    const ids: PlayerId[] = [];
    do {
      reader.readUntaggedHead();
      if (!this.#isNothing()) ids.push(playerId(this.#integer(field, MAX_U32)));
      left -= 1;
    } while (left > 0 || (left < 0 && !reader.tryBreak()));
    return ids;
  }

  octets(field: Field): Uint8Array | undefined {
    if (!this.#open(field)) return undefined;
    if (this.#reader.major === MAJOR.bytes) return this.#string();
    if (this.#reader.major === MAJOR.array) return this.#octetsOfArray(field);
    throw this.#wrongKind(field, 'a byte string or an array');
  }

  text(field: Field): Uint8Array | undefined {
    if (!this.#open(field)) return undefined;
    if (this.#reader.major !== MAJOR.text) throw this.#wrongKind(field, 'a text');
    const text = this.#string();
    if (!isUtf8(text)) throw wrongKind(field, 'UTF-8', 'other bytes');
    return text;
  }

  #findPlaces(): void {
    const reader = this.#reader;
    reader.readUntaggedHead();
    if (reader.major !== MAJOR.map) {
      const came = this.#kind();
      reader.at = 0;
      reader.skip();
      throw new ProtocolError('invalid', `expected a map, came ${came}`);
    }
    let left = reader.argument;
    while (left !== 0 && !(left < 0 && reader.tryBreak())) {
      left -= 1;
      const field = this.#key();
      if (field !== NO_FIELD) this.#places[field] = reader.at;
      reader.skip();
    }
  }

  /** Steps over a key; says which field it names. */
  #key(): number {
    const reader = this.#reader;
    const start = reader.at;
    reader.readHead();
    if (reader.major === MAJOR.text) return this.#find(FIELD_NAMES);
    reader.at = start;
    reader.skip();
    return NO_FIELD;
  }

  /** Steps over the text whose head was read last; says which of `words` it is. */
  #find(words: Words<string>): number {
    const reader = this.#reader;
    const start = reader.at;
    const isDefinite = reader.argument !== INDEFINITE;
    reader.skipString();
    if (isDefinite) return words.find(reader.bytes, start, reader.at);
    const text = this.#joinChunks(start);
    return words.find(text, 0, text.length);
  }

  /** Reads the head of a field's value; false when there is none. */
  #open(field: Field): boolean {
    const place = this.#places[field] ?? -1;
    if (place < 0) return false;
    this.#reader.at = place;
    this.#reader.readUntaggedHead();
    return !this.#isNothing();
  }

  #isNothing(): boolean {
    const { major, argument } = this.#reader;
    return major === MAJOR.simple && (argument === SIMPLE.null || argument === SIMPLE.undefined);
  }

  #integer(field: Field, max: number): number {
    const { major, argument } = this.#reader;
    if (major === MAJOR.unsigned && argument <= max) return argument;
    throw this.#wrongKind(field, `integers from 0 to ${max}`);
  }

  #octetsOfArray(field: Field): Uint8Array {
    const reader = this.#reader;
    let left = reader.argument;
    const octets = new Uint8Array(left === INDEFINITE ? this.#countElements() : left);
    const { bytes } = reader;
    let { at } = reader;
    for (let i = 0; i < octets.length; i += 1) {
      const first = bytes[at] ?? 0;
      if (first < 24) {
        octets[i] = first;
        at += 1;
      } else if (first === 24) {
        octets[i] = bytes[at + 1] ?? 0;
        at += 2;
      } else {
        reader.at = at;
        reader.readUntaggedHead();
        octets[i] = this.#integer(field, 0xff);
        at = reader.at;
      }
    }
    return octets;
  }

  /** How many elements are left in an indefinite array, up to its break. */
  #countElements(): number {
    const reader = this.#reader;
    const start = reader.at;
    let count = 0;
    while (!reader.tryBreak()) {
      reader.skip();
      count += 1;
    }
    reader.at = start;
    return count;
  }

  /** The content of the string whose head was read last. */
  #string(): Uint8Array {
    const { bytes, at, argument } = this.#reader;
    return argument === INDEFINITE ? this.#joinChunks(at) : bytes.subarray(at, at + argument);
  }

  /** Steps over the chunks of an indefinite string, the first of which begins at `start`. */
  #joinChunks(start: number): Uint8Array {
    const reader = this.#reader;
    reader.at = start;
    while (!reader.tryBreak()) this.#nextChunk();
    const joined = new Uint8Array(reader.at - start);
    let length = 0;
    reader.at = start;
    while (!reader.tryBreak()) {
      const end = this.#nextChunk();
      for (let at = end - reader.argument; at < end; at += 1) {
        joined[length] = reader.bytes[at] ?? 0;
        length += 1;
      }
    }
    return joined.subarray(0, length);
  }

  /** Steps over a chunk; returns where it ends. Its length is the reader's argument. */
  #nextChunk(): number {
    const reader = this.#reader;
    reader.readHead();
    reader.at += reader.argument;
    return reader.at;
  }

  #wrongKind(field: Field, expected: string): ProtocolError {
    return wrongKind(field, expected, this.#kind());
  }

  /** What the head read last begins, in words. */
  #kind(): string {
    const { major, argument } = this.#reader;
    if (major === MAJOR.unsigned) return 'an integer';
    if (major === MAJOR.negative) return 'a negative integer';
    if (major === MAJOR.bytes) return 'a byte string';
    if (major === MAJOR.text) return 'a text';
    if (major === MAJOR.array) return 'an array';
    if (major === MAJOR.map) return 'a map';
    if (argument === SIMPLE.null || argument === SIMPLE.undefined) return 'nothing';
    return argument === SIMPLE.true || argument === SIMPLE.false ? 'a boolean' : 'a float or simple value';
  }
}
