/** The bare relay's hot bytes: commands read and `from` written by hand, without checks. */
import { encodeHead, MAJOR } from './cbor.ts';

export interface Command {
  cmd: string;
  name: string;
  maxPlayers: number;
  player: number;
  to: number[];
  /** Valid until the next command is read. */
  data: Uint8Array;
}

/** First letter and length of each field's name. */
const KEY = {
  cmd: 0x6303,
  to: 0x7402,
  data: 0x6404,
  name: 0x6e04,
  player: 0x7006,
  maxPlayers: 0x6d0b,
} as const;

const NOTHING = new Uint8Array(0);
const FROM = Buffer.from('\xa3\x63cmd\x64from\x64from', 'latin1');
const FROM_STR = Buffer.from('\xa3\x63cmd\x68from_str\x64from', 'latin1');
const DATA = Buffer.from('\x64data', 'latin1');

let scratch = new Uint8Array(1 << 20);

/** Reads a host's CBOR command. The fields may come in any order; each is known by its length and first letter. */
export function decodeCommand(bytes: Uint8Array): Command {
  const command: Command = { cmd: '', name: '', maxPlayers: 0, player: 0, to: [], data: NOTHING };
  const cursor = new Cursor(bytes);
  for (let fields = cursor.argument(); fields > 0; fields--) {
    switch (cursor.key()) {
      case KEY.cmd:
        command.cmd = cursor.text();
        break;
      case KEY.to:
        command.to = cursor.numbers();
        break;
      case KEY.data:
        command.data = cursor.data();
        break;
      case KEY.name:
        command.name = cursor.text();
        break;
      case KEY.player:
        command.player = cursor.argument();
        break;
      case KEY.maxPlayers:
        command.maxPlayers = cursor.argument();
    }
  }
  return command;
}

/** Writes a player's frames as the host reads them. What it returns is valid until the next one. */
export class FromEncoder {
  readonly #binaryHead: Uint8Array;
  readonly #textHead: Uint8Array;

  constructor(player: number) {
    const id = encodeHead(MAJOR.uint, player);
    this.#binaryHead = Buffer.concat([FROM, id, DATA]);
    this.#textHead = Buffer.concat([FROM_STR, id, DATA]);
  }

  /** A binary frame becomes an array of integers: one byte for 0–23, two for the others. */
  binary(payload: Uint8Array): Uint8Array {
    let at = begin(this.#binaryHead, encodeHead(MAJOR.array, payload.length), payload.length);
    for (let i = 0; i < payload.length; i++) {
      const byte = payload[i] ?? 0;
      if (byte > 23) scratch[at++] = 0x18;
      scratch[at++] = byte;
    }
    return scratch.subarray(0, at);
  }

  text(payload: Uint8Array): Uint8Array {
    const at = begin(this.#textHead, encodeHead(MAJOR.text, payload.length), payload.length);
    scratch.set(payload, at);
    return scratch.subarray(0, at + payload.length);
  }
}

function begin(head: Uint8Array, length: Uint8Array, payloadBytes: number): number {
  makeRoom(64 + 2 * payloadBytes);
  scratch.set(head);
  scratch.set(length, head.length);
  return head.length + length.length;
}

function makeRoom(bytes: number): void {
  if (scratch.length < bytes) scratch = new Uint8Array(bytes);
}

class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The argument of an item's head: a number itself, or the length of what follows. */
  argument(): number {
    const low = this.#byte() & 31;
    if (low < 24) return low;
    let argument = 0;
    for (let left = 1 << (low - 24); left > 0; left--) argument = argument * 256 + this.#byte();
    return argument;
  }

  /** A field's name as one of `KEY`. */
  key(): number {
    const length = this.argument();
    const first = this.#bytes[this.#at] ?? 0;
    this.#at += length;
    return (first << 8) | length;
  }

  bytes(): Uint8Array {
    const length = this.argument();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    const text = this.bytes();
    if (text.length === 2) return 'to';
    return Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1');
  }

  numbers(): number[] {
    const numbers: number[] = [];
    for (let left = this.argument(); left > 0; left--) numbers.push(this.argument());
    return numbers;
  }

  data(): Uint8Array {
    const isArray = (this.#bytes[this.#at] ?? 0) >> 5 === MAJOR.array;
    if (!isArray) return this.bytes();
    const length = this.argument();
    makeRoom(length);
    for (let i = 0; i < length; i++) scratch[i] = this.argument();
    return scratch.subarray(0, length);
  }

  #byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }
}
