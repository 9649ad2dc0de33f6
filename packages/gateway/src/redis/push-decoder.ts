/**
 * What Redis says on a connection that hears (RESP2), read where it lies. Pure: chunks of the stream go in, wherever
 * they end.
 */

const CR = 13;
const LF = 10;
const PLUS = 43;
const MINUS = 45;
const COLON = 58;
const DOLLAR = 36;
const STAR = 42;
const NINE = 57;
const ZERO = 48;
/** What Redis takes for a string at most, unless it was told otherwise. */
const MAX_STRING_BYTES = 512 * 1024 * 1024;
/** Longer than any error. */
const MAX_LINE_BYTES = 4096;
/** A message has three. */
const MAX_FIELDS = 3;
const MESSAGE_KIND_BYTES = 'message'.length;
const SMALL_M = 109;
const NO_BYTES = Buffer.alloc(0);

export interface Heard {
  /** @param bytes a view of the chunk that held them, or of memory of their own */
  message(channel: string, bytes: Uint8Array): void;
  /** One of the answers to a command: `subscribe`, `unsubscribe`, `pong`, or what a simple string says. */
  reply(kind: string): void;
  /** What Redis says to a command instead of all its answers. */
  refusal(error: string): void;
}

export class PushDecoder {
  readonly #heard: Heard;
  /** What has not come as a whole, with memory for all of it as far as its length is known. */
  #rest: Buffer = NO_BYTES;
  #restBytes = 0;
  /** Fewer bytes than this do not make a whole; these may not either. */
  #neededBytes = 0;
  /** Where the line ends that `#line` has found, without its line end. */
  #lineEnd = 0;
  /** Where the fields lie of what is being read. */
  readonly #starts: number[] = [0, 0, 0];
  readonly #ends: number[] = [0, 0, 0];

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  /** The next bytes, which must not change any more. @throws {Error} when they are nothing that Redis says here */
  write(chunk: Buffer): void {
    let start = 0;
    while (this.#restBytes > 0) {
      const end = Math.min(chunk.length, start + this.#neededBytes - this.#restBytes);
      this.#keep(chunk, start, end);
      if (this.#restBytes < this.#neededBytes) return;
      start = end;
      const whole = this.#rest;
      if (this.#read(whole, 0, this.#restBytes) === 0) continue;
      this.#rest = NO_BYTES;
      this.#restBytes = 0;
    }
    while (start < chunk.length) {
      const end = this.#read(chunk, start, chunk.length);
      if (end === 0) return this.#keep(chunk, start, chunk.length);
      start = end;
    }
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    if (this.#rest.length < this.#neededBytes) {
      const longer = Buffer.allocUnsafeSlow(Math.max(this.#neededBytes, 2 * this.#rest.length));
      this.#rest.copy(longer, 0, 0, this.#restBytes);
      this.#rest = longer;
    }
    chunk.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes += end - start;
  }

  /** Tells what lies in `bytes` from `start` on, and answers where it ends; 0 when it is not there as a whole. */
  #read(bytes: Buffer, start: number, end: number): number {
    const next = this.#line(bytes, start, start, end);
    if (next === 0) return 0;
    const kind = bytes[start];
    if (kind === STAR) {
      const fields = numberIn(bytes, start + 1, this.#lineEnd);
      if (fields === 0 || fields > MAX_FIELDS) throw new Error(`expected 1 to 3 fields, found ${fields}`);
      const last = this.#fields(bytes, start, next, end, fields);
      if (last > 0) this.#tell(bytes, fields);
      return last;
    }
    const line = bytes.toString('latin1', start + 1, this.#lineEnd);
    if (kind === PLUS) this.#heard.reply(line);
    else if (kind === MINUS) this.#heard.refusal(line);
    else throw new Error(`expected a reply, found byte ${kind}`);
    return next;
  }

  /** Finds `count` fields from `first` on. Answers as `#read`. */
  #fields(bytes: Buffer, start: number, first: number, end: number, count: number): number {
    let at = first;
    for (let field = 0; field < count; field += 1) {
      const next = this.#line(bytes, start, at, end);
      if (next === 0) return 0;
      const kind = bytes[at];
      if (kind !== DOLLAR && kind !== COLON) throw new Error(`expected a field, found byte ${kind}`);
      const isNothing = bytes[at + 1] === MINUS;
      const number = isNothing ? 0 : numberIn(bytes, at + 1, this.#lineEnd);
      this.#starts[field] = next;
      this.#ends[field] = next;
      at = next;
      if (kind === COLON || isNothing) continue;
      if (number > MAX_STRING_BYTES) throw new Error(`a string of ${number} bytes`);
      at = next + number + 2;
      this.#ends[field] = next + number;
      if (at > end) {
        this.#neededBytes = at - start;
        return 0;
      }
      if (bytes[at - 1] !== LF) throw new Error('a string ends where it should not');
    }
    return at;
  }

  #tell(bytes: Buffer, fields: number): void {
    const starts = this.#starts;
    const ends = this.#ends;
    const kindAt = starts[0] ?? 0;
    const kindEnd = ends[0] ?? 0;
    if (fields < 3 || kindEnd - kindAt !== MESSAGE_KIND_BYTES || bytes[kindAt] !== SMALL_M)
      return this.#heard.reply(bytes.toString('latin1', kindAt, kindEnd));
    const channel = bytes.toString('latin1', starts[1], ends[1]);
    const dataAt = starts[2] ?? 0;
    const dataEnd = ends[2] ?? 0;
    // A plain view: those of a Buffer take several times as long to make, and each item's payload is one.
    this.#heard.message(channel, new Uint8Array(bytes.buffer, bytes.byteOffset + dataAt, dataEnd - dataAt));
  }

  /** Where the line ends that begins at `at`, line end included; 0 when it is not there as a whole. */
  #line(bytes: Buffer, start: number, at: number, end: number): number {
    const most = Math.min(end, at + MAX_LINE_BYTES);
    for (let i = at + 1; i < most; i += 1) {
      if (bytes[i] !== LF) continue;
      if (bytes[i - 1] !== CR) throw new Error('a line ends where it should not');
      this.#lineEnd = i - 1;
      return i + 1;
    }
    if (most < end) throw new Error('a line does not end');
    this.#neededBytes = end - start + 1;
    return 0;
  }
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at] ?? 0;
    if (digit < ZERO || digit > NINE) throw new Error(`expected a digit, found byte ${digit}`);
    number = 10 * number + digit - ZERO;
  }
  return number;
}
