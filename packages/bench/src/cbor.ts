/** The CBOR (RFC 8949) that WMBP needs: whole numbers, texts, booleans, arrays, maps, all of definite length. */

export type CborValue = number | string | boolean | undefined | readonly CborValue[] | CborMap | Uint8Array;
export interface CborMap {
  readonly [key: string]: CborValue;
}

export const MAJOR = { uint: 0, bytes: 2, text: 3, array: 4, map: 5 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;

export function encodeCbor(value: CborValue): Buffer {
  const parts: Uint8Array[] = [];
  append(parts, value);
  return Buffer.concat(parts);
}

/** The bytes before an item's content: major type and argument, in the shortest form. */
export function encodeHead(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  if (argument < 0x100) return Uint8Array.of((major << 5) | 24, argument);
  if (argument < 0x10000) return Uint8Array.of((major << 5) | 25, argument >> 8, argument);
  const head = Buffer.alloc(5);
  head[0] = (major << 5) | 26;
  head.writeUInt32BE(argument, 1);
  return head;
}

/** @throws {Error} when the bytes hold anything else than what this file's first line names. */
export function decodeCbor(bytes: Uint8Array, start: number): CborValue {
  return new Reader(bytes, start).value();
}

function append(parts: Uint8Array[], value: CborValue): void {
  if (typeof value === 'number') parts.push(encodeHead(MAJOR.uint, value));
  else if (typeof value === 'boolean') parts.push(Uint8Array.of(value ? TRUE : FALSE));
  else if (typeof value === 'string') {
    const text = Buffer.from(value);
    parts.push(encodeHead(MAJOR.text, text.length), text);
  } else if (value instanceof Uint8Array) {
    parts.push(encodeHead(MAJOR.bytes, value.length), value);
  } else if (isArray(value)) {
    parts.push(encodeHead(MAJOR.array, value.length));
    for (const item of value) append(parts, item);
  } else if (value !== undefined) {
    const entries = Object.entries(value);
    parts.push(encodeHead(MAJOR.map, entries.length));
    for (const [key, item] of entries) {
      append(parts, key);
      append(parts, item);
    }
  }
}

function isArray(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value);
}

class Reader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#at = start;
  }

  value(): CborValue {
    const first = this.#byte();
    if (first === FALSE || first === TRUE) return first === TRUE;
    const argument = this.#argument(first & 31);
    switch (first >> 5) {
      case MAJOR.uint:
        return argument;
      case MAJOR.bytes:
        return this.#take(argument);
      case MAJOR.text:
        return Buffer.from(this.#take(argument)).toString();
      case MAJOR.array:
        return Array.from({ length: argument }, () => this.value());
      case MAJOR.map:
        return this.#map(argument);
    }
    throw new Error(`CBOR byte 0x${first.toString(16)}: expected a WMBP item`);
  }

  #map(size: number): CborMap {
    const map: Record<string, CborValue> = {};
    for (let i = 0; i < size; i++) {
      const key = this.value();
      if (typeof key !== 'string') throw new Error('CBOR map: expected texts as keys');
      map[key] = this.value();
    }
    return map;
  }

  #argument(low: number): number {
    if (low < 24) return low;
    const length = 1 << (low - 24);
    let argument = 0;
    for (let i = 0; i < length; i++) argument = argument * 256 + this.#byte();
    return argument;
  }

  #take(length: number): Uint8Array {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error('CBOR item: expected more bytes');
    return byte;
  }
}
