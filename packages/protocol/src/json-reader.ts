/**
 * Steps over JSON (RFC 8259) that is valid UTF-8, one value after the other. It never recurses and builds nothing:
 * `JSON.parse` makes an object of every `{}` that a hostile frame holds.
 */
import { ProtocolError } from './errors.ts';
import { stringOf } from './text.ts';

export const CHAR = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  point: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  openArray: 0x5b,
  backslash: 0x5c,
  closeArray: 0x5d,
  f: 0x66,
  n: 0x6e,
  t: 0x74,
  u: 0x75,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

const TRUE = [0x74, 0x72, 0x75, 0x65];
const FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65];
const NULL = [0x6e, 0x75, 0x6c, 0x6c];
const SHORT_ESCAPES: ReadonlySet<number> = new Set(Array.from('"\\/bfnrt', (char) => char.charCodeAt(0)));

export class JsonReader {
  readonly bytes: Uint8Array;
  /** Where the next token, or the space before it, begins. */
  at: number;
  /** Whether the string stepped over last had an escape. */
  escaped: boolean;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = 0;
    this.escaped = false;
  }

  /** The next byte that is no space, or -1 at the end; stays before it. */
  peek(): number {
    const { bytes } = this;
    let { at } = this;
    while (isSpace(bytes[at])) at += 1;
    this.at = at;
    return bytes[at] ?? -1;
  }

  /** Steps over `char` if it is next. */
  try(char: number): boolean {
    if (this.peek() !== char) return false;
    this.at += 1;
    return true;
  }

  expect(char: number): void {
    if (!this.try(char)) throw malformed(`'${String.fromCharCode(char)}'`);
  }

  /** Steps over one value, however deep. */
  skip(): void {
    const closers: number[] = [];
    do while (this.#tryOpen(closers));
    while (!this.#tryCloseAll(closers));
  }

  skipKey(): void {
    this.skipString();
    this.expect(CHAR.colon);
  }

  skipString(): void {
    this.expect(CHAR.quote);
    const { bytes } = this;
    let { at } = this;
    this.escaped = false;
    for (;;) {
      const byte = bytes[at] ?? 0;
      at += 1;
      if (byte === CHAR.quote) break;
      if (byte < 0x20) throw malformed('a string without control characters, and its end');
      if (byte === CHAR.backslash) {
        this.escaped = true;
        at += escapeLength(bytes, at);
      }
    }
    this.at = at;
  }

  /** Reads the number that is next, and was stepped over before: its grammar is not looked at again. */
  readNumber(): number {
    const { bytes, at: start } = this;
    let number = 0;
    let at = start;
    for (; isDigit(bytes[at]); at += 1) number = number * 10 + (bytes[at] ?? 0) - CHAR.zero;
    if (at > start && bytes[at] !== CHAR.point && !isExponent(bytes[at])) {
      this.at = at;
      return number;
    }
    this.skipNumber();
    // Adding zero makes -0 a 0.
    return Number(stringOf(bytes.subarray(start, this.at))) + 0;
  }

  skipNumber(): void {
    const { bytes } = this;
    if (bytes[this.at] === CHAR.minus) this.at += 1;
    if (bytes[this.at] === CHAR.zero) this.at += 1;
    else this.#skipDigits();
    if (bytes[this.at] === CHAR.point) {
      this.at += 1;
      this.#skipDigits();
    }
    if (!isExponent(bytes[this.at])) return;
    this.at += 1;
    const sign = bytes[this.at];
    if (sign === CHAR.minus || sign === 0x2b) this.at += 1;
    this.#skipDigits();
  }

  /** Steps over a scalar, an empty array or an empty object; of another one, over what is before its first value. */
  #tryOpen(closers: number[]): boolean {
    const char = this.peek();
    if (char !== CHAR.openArray && char !== CHAR.openObject) {
      this.#skipScalar(char);
      return false;
    }
    const closer = char === CHAR.openArray ? CHAR.closeArray : CHAR.closeObject;
    this.at += 1;
    if (this.try(closer)) return false;
    // Each open array or object owes a byte: what cannot close is refused at half of its depth.
    if (closers.length > this.bytes.length - this.at) throw malformed('more bytes');
    closers.push(closer);
    if (closer === CHAR.closeObject) this.skipKey();
    return true;
  }

  /** After a value: true when it was the last of all; else steps over what is before the next value. */
  #tryCloseAll(closers: number[]): boolean {
    for (let closer = closers.at(-1); closer !== undefined; closer = closers.at(-1)) {
      if (this.try(CHAR.comma)) {
        if (closer === CHAR.closeObject) this.skipKey();
        return false;
      }
      this.expect(closer);
      closers.pop();
    }
    return true;
  }

  #skipScalar(first: number): void {
    switch (first) {
      case CHAR.quote:
        return this.skipString();
      case CHAR.t:
        return this.#skipLiteral(TRUE);
      case CHAR.f:
        return this.#skipLiteral(FALSE);
      case CHAR.n:
        return this.#skipLiteral(NULL);
    }
    this.skipNumber();
  }

  #skipLiteral(literal: readonly number[]): void {
    for (const char of literal) {
      if (this.bytes[this.at] !== char) throw malformed('a value');
      this.at += 1;
    }
  }

  #skipDigits(): void {
    const start = this.at;
    while (isDigit(this.bytes[this.at])) this.at += 1;
    if (this.at === start) throw malformed('a value');
  }
}

export function isDigit(char: number | undefined): boolean {
  return char !== undefined && char >= CHAR.zero && char <= CHAR.nine;
}

function isExponent(char: number | undefined): boolean {
  return char === 0x65 || char === 0x45;
}

function isSpace(char: number | undefined): boolean {
  return char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09;
}

/** Length of what follows the backslash before `at`. */
function escapeLength(bytes: Uint8Array, at: number): number {
  const char = bytes[at];
  if (char !== CHAR.u) {
    if (char === undefined || !SHORT_ESCAPES.has(char)) throw malformed('an escape');
    return 1;
  }
  for (let i = 1; i <= 4; i += 1) {
    if (!isHexDigit(bytes[at + i])) throw malformed('four hexadecimal digits');
  }
  return 5;
}

function isHexDigit(char: number | undefined): boolean {
  if (char === undefined) return false;
  const lower = char | 0x20;
  return isDigit(char) || (lower >= 0x61 && lower <= 0x66);
}

function malformed(expected: string): ProtocolError {
  return new ProtocolError('malformed', `JSON: expected ${expected}, came something else`);
}
