/**
 * The CBOR (RFC 8949) of PROTOCOL.md §4.1, for k6, which has neither TextEncoder nor Buffer and interprets JavaScript
 * slowly: commands are written; of events everything is read but the data, which is only found.
 */

export type Command =
  | { readonly cmd: 'prepare'; readonly max_players: number; readonly name: string }
  | { readonly cmd: 'start' | 'stop' }
  | { readonly cmd: 'kick'; readonly player: number };

export interface HostEvent {
  readonly cmd: string;
  readonly name?: string;
  readonly players?: readonly number[];
  readonly max_players?: number;
  readonly accept_conns?: boolean;
  readonly key?: string;
  readonly player?: number;
  readonly from?: number;
  readonly data?: EventData;
  readonly reason?: string;
}

/** Where the data of an event lies in its frame; nothing is copied. */
export interface EventData {
  readonly kind: 'bytes' | 'text' | 'integers';
  readonly frame: Uint8Array;
  /** The first byte of the content. */
  readonly start: number;
  readonly end: number;
  /** Octets of the payload, which as integers take one or two bytes each. */
  readonly count: number;
}

const MAJOR = { uint: 0, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;
const FALSE = 0xf4;
const TRUE = 0xf5;
const BREAK = 0xff;
const INDEFINITE = 31;

export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  const fields = Object.entries(command);
  putHead(out, MAJOR.map, fields.length);
  for (const [key, value] of fields) {
    putText(out, key);
    if (typeof value === 'number') putHead(out, MAJOR.uint, value);
    else putText(out, String(value));
  }
  return Uint8Array.from(out);
}

/** A `to`. @param players empty: to everybody. @param data becomes the payload of one binary frame each */
export function encodeTo(players: readonly number[], data: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSend('to', MAJOR.bytes, players, data);
}

/** A `to_str`. @param utf8 becomes the payload of one text frame each */
export function encodeToStr(players: readonly number[], utf8: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeSend('to_str', MAJOR.text, players, utf8);
}

function encodeSend(
  cmd: string,
  major: number,
  players: readonly number[],
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const head: number[] = [];
  putHead(head, MAJOR.map, 3);
  putText(head, 'cmd');
  putText(head, cmd);
  putText(head, 'to');
  putHead(head, MAJOR.array, players.length);
  for (const player of players) putHead(head, MAJOR.uint, player);
  putText(head, 'data');
  putHead(head, major, data.length);
  const frame = new Uint8Array(head.length + data.length);
  frame.set(head);
  frame.set(data, head.length);
  return frame;
}

/** @throws {Error} when the bytes are no map of definite or indefinite length with a `cmd` */
export function decodeEvent(frame: Uint8Array): HostEvent {
  const fields = new Reader(frame).event();
  if (typeof fields['cmd'] !== 'string') throw new Error('an event without cmd');
  return fields as unknown as HostEvent;
}

/** All octets of it; for tests and small data only. */
export function octetsOf(data: EventData): Uint8Array {
  if (data.kind !== 'integers') return data.frame.slice(data.start, data.end);
  const octets: number[] = [];
  for (let at = data.start; octets.length < data.count; at += 1) {
    const byte = data.frame[at] ?? 0;
    if (byte < 24) octets.push(byte);
    else octets.push(data.frame[(at += 1)] ?? 0);
  }
  return Uint8Array.from(octets);
}

export function utf8Of(text: string): number[] {
  const out: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const extra = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x1_0000 ? 2 : 3;
    if (extra === 0) out.push(point);
    else out.push(((0xf00 >> (extra + 1)) & 0xff) | (point >> (6 * extra)));
    for (let left = extra - 1; left >= 0; left -= 1) out.push(0x80 | ((point >> (6 * left)) & 0x3f));
  }
  return out;
}

function putText(out: number[], text: string): void {
  const bytes = utf8Of(text);
  putHead(out, MAJOR.text, bytes.length);
  for (const byte of bytes) out.push(byte);
}

function putHead(out: number[], major: number, argument: number): void {
  const first = major << 5;
  if (argument < 24) out.push(first | argument);
  else if (argument < 0x100) out.push(first | 24, argument);
  else if (argument < 0x1_0000) out.push(first | 25, argument >> 8, argument & 0xff);
  else
    out.push(first | 26, argument >>> 24, (argument >> 16) & 0xff, (argument >> 8) & 0xff, argument & 0xff);
}

class Reader {
  readonly #frame: Uint8Array;
  #at = 0;

  constructor(frame: Uint8Array) {
    this.#frame = frame;
  }

  event(): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    this.#items(MAJOR.map, () => {
      const key = this.#value();
      fields[String(key)] = key === 'data' ? this.#data() : this.#value();
    });
    return fields;
  }

  #value(): unknown {
    const first = this.#frame[this.#at];
    if (first === FALSE || first === TRUE) {
      this.#at += 1;
      return first === TRUE;
    }
    switch ((first ?? BREAK) >> 5) {
      case MAJOR.uint:
        return this.#head(MAJOR.uint);
      case MAJOR.text:
        return this.#text(this.#head(MAJOR.text));
      case MAJOR.array: {
        const items: unknown[] = [];
        this.#items(MAJOR.array, () => items.push(this.#value()));
        return items;
      }
      case MAJOR.map:
        return this.event();
    }
    throw new Error(`an item at byte ${this.#at} that no event has: ${first}`);
  }

  #data(): EventData {
    const frame = this.#frame;
    const major = (frame[this.#at] ?? BREAK) >> 5;
    if (major === MAJOR.bytes || major === MAJOR.text) {
      const count = this.#head(major);
      const start = this.#at;
      this.#skip(count);
      return { kind: major === MAJOR.text ? 'text' : 'bytes', frame, start, end: this.#at, count };
    }
    return this.#integers();
  }

  /** Last in its frame, as our server sends it, the array is not walked through: that would take long. */
  #integers(): EventData {
    const frame = this.#frame;
    if (((frame[this.#at] ?? 0) & 31) === INDEFINITE) {
      let count = 0;
      const start = this.#at + 1;
      this.#items(MAJOR.array, () => {
        this.#head(MAJOR.uint);
        count += 1;
      });
      return { kind: 'integers', frame, start, end: this.#at - 1, count };
    }
    const count = this.#head(MAJOR.array);
    const start = this.#at;
    if (frame.length - start > 2 * count) for (let i = 0; i < count; i += 1) this.#head(MAJOR.uint);
    else this.#at = frame.length;
    return { kind: 'integers', frame, start, end: this.#at, count };
  }

  /** Calls `read` before each item (each key of a map); it reads the item, and the value with the key. */
  #items(major: number, read: () => void): void {
    const first = this.#frame[this.#at] ?? BREAK;
    if (first === ((major << 5) | INDEFINITE)) {
      this.#at += 1;
      while (this.#frame[this.#at] !== BREAK) read();
      this.#at += 1;
      return;
    }
    for (let left = this.#head(major); left > 0; left -= 1) read();
  }

  #head(major: number): number {
    const first = this.#byte();
    if (first >> 5 !== major) throw new Error(`expected major type ${major}, came byte ${first}`);
    const low = first & 31;
    if (low < 24) return low;
    if (low > 26) throw new Error(`a length or integer that no event has: byte ${first}`);
    let argument = 0;
    for (let left = 1 << (low - 24); left > 0; left -= 1) argument = argument * 256 + this.#byte();
    return argument;
  }

  #text(length: number): string {
    let text = '';
    const end = this.#at + length;
    while (this.#at < end) {
      const first = this.#byte();
      const extra = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      let point = extra === 0 ? first : first & (0x3f >> extra);
      for (let left = extra; left > 0; left -= 1) point = (point << 6) | (this.#byte() & 0x3f);
      text += String.fromCodePoint(point);
    }
    return text;
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#frame.length) throw new Error('an event that ends too early');
  }

  #byte(): number {
    const byte = this.#frame[this.#at];
    if (byte === undefined) throw new Error('an event that ends too early');
    this.#at += 1;
    return byte;
  }
}
