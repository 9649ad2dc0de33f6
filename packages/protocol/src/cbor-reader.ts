/**
 * Reads CBOR (RFC 8949), one item after the other. It never recurses, allocates nothing by a claimed length, and
 * looks at each byte once.
 */
import { ProtocolError } from './errors.ts';

export const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

/** Arguments of `MAJOR.simple`. */
export const SIMPLE = { false: 20, true: 21, null: 22, undefined: 23 } as const;

/** Argument of a string, array or map that ends with a break, and of the break itself. */
export const INDEFINITE = -1;

const NOT_NAMED = -2;
const BREAK = 0xff;

export class CborReader {
  readonly bytes: Uint8Array;
  /** Where the next item begins. */
  at: number;
  /** Of the head read last. */
  major: number;
  /**
   * Of the head read last: value, length, count, tag or simple value; above 2^53 it is rounded. Floats and simple
   * values of two bytes have `NOT_NAMED`.
   */
  argument: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = 0;
    this.major = 0;
    this.argument = 0;
  }

  readHead(): void {
    const first = this.#byte();
    const info = first & 0x1f;
    this.major = first >> 5;
    this.argument = info < 24 ? info : this.#longArgument(info);
  }

  /** Reads the next head that is no tag. */
  readUntaggedHead(): void {
    do this.readHead();
    while (this.major === MAJOR.tag);
  }

  /** Steps over a break if one is next. */
  tryBreak(): boolean {
    if (this.bytes[this.at] !== BREAK) return false;
    this.at += 1;
    return true;
  }

  /** Steps over the content of the string whose head was read last. */
  skipString(): void {
    const { major } = this;
    if (this.argument !== INDEFINITE) return this.#skipChunk();
    while (!this.tryBreak()) {
      this.readHead();
      if (this.major !== major || this.argument === INDEFINITE) {
        throw new ProtocolError(
          'malformed',
          'a string in chunks: expected a definite chunk of its type, came another',
        );
      }
      this.#skipChunk();
    }
    this.major = major;
    this.argument = INDEFINITE;
  }

  /**
   * Steps over one item, however deep. `owed` counts items that definite arrays, maps and tags still need, of all
   * levels together, and one break for each open indefinite array or map. Each owes at least a byte, so a count
   * that the rest of the bytes cannot pay is refused when it is read, and so is a depth. When `owed` is down to
   * what it was when the innermost indefinite one opened, the next thing is a child of that one, or its break.
   */
  skip(): void {
    let owed = 1;
    let opened = 0;
    let isMap = false;
    let hasKey = false;
    let outer: number[] | undefined;
    while (owed > 0) {
      if (owed === opened) {
        if (this.tryBreak()) {
          if (hasKey)
            throw new ProtocolError('malformed', 'a map: expected a value for each key, came a break');
          const packed: number = outer?.pop() ?? 0;
          owed -= 1;
          opened = packed >>> 2;
          isMap = (packed & 2) !== 0;
          hasKey = (packed & 1) !== 0;
          continue;
        }
        owed += 1;
        hasKey = isMap && !hasKey;
      }
      this.readHead();
      const { major, argument } = this;
      if (major === MAJOR.tag) continue;
      owed -= 1;
      if (major === MAJOR.bytes || major === MAJOR.text) {
        this.skipString();
      } else if (major === MAJOR.array || major === MAJOR.map) {
        if (argument === INDEFINITE) {
          outer ??= [];
          outer.push(opened * 4 + (isMap ? 2 : 0) + (hasKey ? 1 : 0));
          owed += 1;
          opened = owed;
          isMap = major === MAJOR.map;
          hasKey = false;
        } else {
          owed += major === MAJOR.map ? argument * 2 : argument;
        }
        if (owed > this.bytes.length - this.at) throw truncated();
        if (major === MAJOR.array) owed -= this.#skipOctets(owed - opened);
      } else if (argument === INDEFINITE) {
        throw new ProtocolError('malformed', 'expected an item, came a break');
      }
    }
  }

  /** Steps over up to `most` integers from 0 to 255 in shortest form: what a payload as an array is made of. */
  #skipOctets(most: number): number {
    const { bytes } = this;
    const { length } = bytes;
    let { at } = this;
    let count = 0;
    for (; count < most; count += 1) {
      const first = bytes[at] ?? BREAK;
      if (first < 24) at += 1;
      else if (first === 24 && at + 1 < length) at += 2;
      else break;
    }
    this.at = at;
    return count;
  }

  #skipChunk(): void {
    if (this.argument > this.bytes.length - this.at) throw truncated();
    this.at += this.argument;
  }

  #byte(): number {
    const { at, bytes } = this;
    if (at >= bytes.length) throw truncated();
    this.at = at + 1;
    return bytes[at] ?? 0;
  }

  #longArgument(info: number): number {
    const isSimple = this.major === MAJOR.simple;
    switch (info) {
      case 24:
        return isSimple ? this.#longSimple() : this.#byte();
      case 25:
        return isSimple ? this.#skipFloat(2) : this.#byte() * 0x100 + this.#byte();
      case 26:
        return isSimple ? this.#skipFloat(4) : this.#u32();
      case 27:
        return isSimple ? this.#skipFloat(8) : this.#u32() * 0x1_0000_0000 + this.#u32();
    }
    const mayBeIndefinite = this.major >= MAJOR.bytes && this.major !== MAJOR.tag;
    if (info === 31 && mayBeIndefinite) return INDEFINITE;
    throw new ProtocolError(
      'malformed',
      `expected an item, came the reserved additional information ${info}`,
    );
  }

  #u32(): number {
    return (this.#byte() * 0x100 + this.#byte()) * 0x1_0000 + this.#byte() * 0x100 + this.#byte();
  }

  /** RFC 8949 §3.3: values below 32 have no form of two bytes. */
  #longSimple(): number {
    if (this.#byte() < 32) throw new ProtocolError('malformed', 'expected a simple value from 32, came less');
    return NOT_NAMED;
  }

  #skipFloat(length: number): number {
    if (length > this.bytes.length - this.at) throw truncated();
    this.at += length;
    return NOT_NAMED;
  }
}

function truncated(): ProtocolError {
  return new ProtocolError('malformed', 'expected more bytes, came the end');
}
