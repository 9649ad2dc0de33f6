/**
 * The fields of a message in JSON. One pass checks that the object is well-formed and notes where each known
 * field's value is. The values are read when they are asked for.
 */
import { ProtocolError } from './errors.ts';
import { FIELD_NAMES, MAX_U32, noPlaces, wrongKind, type Field, type Fields } from './fields.ts';
import { CHAR, isDigit, JsonReader } from './json-reader.ts';
import { playerId, type PlayerId } from './names.ts';
import { hasLoneSurrogate, isUtf8, stringOf, utf8Of } from './text.ts';
import { type Words } from './words.ts';

export class JsonFields implements Fields {
  readonly #reader: JsonReader;
  readonly #places: number[];

  /** @throws {ProtocolError} when the bytes are no object */
  constructor(bytes: Uint8Array) {
    if (!isUtf8(bytes)) throw new ProtocolError('malformed', 'JSON: expected UTF-8, came other bytes');
    this.#reader = new JsonReader(bytes);
    this.#places = noPlaces();
    this.#findPlaces();
  }

  word<Text extends string>(field: Field, words: Words<Text>): Text | undefined {
    if (!this.#open(field)) return undefined;
    this.#expectKind(field, CHAR.quote, 'a string');
    return words.list[this.#find(words)];
  }

  u32(field: Field): number | undefined {
    return this.#open(field) ? this.#integer(field, MAX_U32) : undefined;
  }

  ids(field: Field): 'all' | PlayerId[] | undefined {
    if (!this.#open(field)) return undefined;
    this.#expectKind(field, CHAR.openArray, 'an array');
    const reader = this.#reader;
    reader.at += 1;
    if (reader.try(CHAR.closeArray)) return 'all';
    const ids: PlayerId[] = [];
    do {
      if (reader.peek() === CHAR.n) reader.skip();
      else ids.push(playerId(this.#integer(field, MAX_U32)));
    } while (reader.try(CHAR.comma));
    return ids;
  }

  octets(field: Field): Uint8Array | undefined {
    if (!this.#open(field)) return undefined;
    this.#expectKind(field, CHAR.openArray, 'an array');
    const reader = this.#reader;
    const octets = new Uint8Array(this.#mostElements());
    reader.at += 1;
    if (reader.peek() === CHAR.closeArray) return octets.subarray(0, 0);
    let length = 0;
    do {
      octets[length] = this.#integer(field, 0xff);
      length += 1;
    } while (reader.try(CHAR.comma));
    return octets.subarray(0, length);
  }

  text(field: Field): Uint8Array | undefined {
    if (!this.#open(field)) return undefined;
    this.#expectKind(field, CHAR.quote, 'a string');
    const text = this.#string();
    if (text === undefined) throw wrongKind(field, 'Unicode', 'a lone surrogate');
    return text;
  }

  #findPlaces(): void {
    const reader = this.#reader;
    if (reader.peek() !== CHAR.openObject) {
      const came = this.#kind();
      reader.skip();
      this.#expectEnd();
      throw new ProtocolError('invalid', `expected an object, came ${came}`);
    }
    reader.at += 1;
    if (!reader.try(CHAR.closeObject)) {
      do this.#findPlace();
      while (reader.try(CHAR.comma));
      reader.expect(CHAR.closeObject);
    }
    this.#expectEnd();
  }

  #findPlace(): void {
    const reader = this.#reader;
    reader.peek();
    const field = this.#find(FIELD_NAMES);
    reader.expect(CHAR.colon);
    if (field >= 0) this.#places[field] = reader.at;
    reader.skip();
  }

  #expectEnd(): void {
    if (this.#reader.peek() !== -1) throw new ProtocolError('malformed', 'JSON: expected the end, came more');
  }

  /** Steps over the string that begins here; says which of `words` it is. */
  #find(words: Words<string>): number {
    const reader = this.#reader;
    const start = reader.at;
    reader.skipString();
    if (!reader.escaped) return words.find(reader.bytes, start + 1, reader.at - 1);
    const text = this.#unescape(start);
    return words.list.findIndex((word) => word === text);
  }

  /** False when the field has no value. */
  #open(field: Field): boolean {
    const place = this.#places[field] ?? -1;
    if (place < 0) return false;
    this.#reader.at = place;
    return this.#reader.peek() !== CHAR.n;
  }

  /** Steps over the string that begins here; `undefined` when it has a lone surrogate. */
  #string(): Uint8Array | undefined {
    const reader = this.#reader;
    const start = reader.at;
    reader.skipString();
    if (!reader.escaped) return reader.bytes.subarray(start + 1, reader.at - 1);
    const text = this.#unescape(start);
    return hasLoneSurrogate(text) ? undefined : utf8Of(text);
  }

  /** The string that was stepped over last, from the quote at `start`. */
  #unescape(start: number): string {
    return String(JSON.parse(stringOf(this.#reader.bytes.subarray(start, this.#reader.at))));
  }

  /** Reads the number that is next; 3.0 and 3e0 are integers. */
  #integer(field: Field, max: number): number {
    const reader = this.#reader;
    const first = reader.peek();
    if (first !== CHAR.minus && !isDigit(first))
      throw wrongKind(field, `integers from 0 to ${max}`, this.#kind());
    const number = reader.readNumber();
    if (Number.isInteger(number) && number >= 0 && number <= max) return number;
    throw wrongKind(field, `integers from 0 to ${max}`, 'another number');
  }

  /** An element and what follows it are two bytes or more. */
  #mostElements(): number {
    const reader = this.#reader;
    const start = reader.at;
    reader.skip();
    const length = reader.at - start;
    reader.at = start;
    return length >>> 1;
  }

  #expectKind(field: Field, first: number, expected: string): void {
    if (this.#reader.peek() !== first) throw wrongKind(field, expected, this.#kind());
  }

  /** What begins here, in words. */
  #kind(): string {
    switch (this.#reader.peek()) {
      case CHAR.quote:
        return 'a string';
      case CHAR.openArray:
        return 'an array';
      case CHAR.openObject:
        return 'an object';
      case CHAR.t:
      case CHAR.f:
        return 'a boolean';
      case CHAR.n:
        return 'null';
    }
    return 'a number';
  }
}
