/** What travels between nodes, as bytes: envelopes of items. `ItemReader` reads what is written here. */
import { type Addressees, type CloseName, type PlayerId } from '@wmbp/protocol';
import { HEADER_BYTES, writeU32 } from './envelope-header.ts';

export type Item =
  /** Precedes every `toHost` of this player. */
  | { readonly kind: 'joined'; readonly player: PlayerId }
  /** The host knows of this player now: `toPlayers` to all is for it from here on. */
  | { readonly kind: 'known'; readonly player: PlayerId }
  /** Follows every `toHost` of this player. */
  | { readonly kind: 'left'; readonly player: PlayerId }
  | {
      readonly kind: 'toHost';
      readonly player: PlayerId;
      readonly bytes: Uint8Array;
      readonly isBinary: boolean;
    }
  /** As `toPlayers`, to one: what most frames of a host are. */
  | {
      readonly kind: 'toPlayer';
      readonly player: PlayerId;
      readonly bytes: Uint8Array;
      readonly isBinary: boolean;
    }
  /** `'all'`: every player of the room on the receiving node that the host knows of. */
  | {
      readonly kind: 'toPlayers';
      readonly to: Addressees;
      readonly bytes: Uint8Array;
      readonly isBinary: boolean;
    }
  | { readonly kind: 'closePlayer'; readonly player: PlayerId; readonly why: CloseName }
  /** The room is over; nothing follows. For `linkLost` it is only so between the two nodes: each forgets the other. */
  | { readonly kind: 'closeRoom'; readonly why: CloseName };

export const ITEM_HEADER_BYTES = 5;
/** Memory for a link's first envelope; later ones begin with what the last one took, up to the second. */
const FIRST_BYTES = 256;
const MAX_FIRST_BYTES = 16 * 1024;
/**
 * An envelope is full beyond this, and a longer body is cut: a Redis that copies megabytes for one subscriber
 * serves nobody else meanwhile.
 */
export const FULL_BYTES = 256 * 1024;

export const KIND = {
  joined: 1,
  left: 2,
  toHostBinary: 3,
  toHostText: 4,
  toPlayersBinary: 5,
  toPlayersText: 6,
  closePlayer: 7,
  closeRoom: 8,
  known: 9,
  toPlayerBinary: 10,
  toPlayerText: 11,
} as const;
/** Added to the kind of each piece of a body but the last. */
export const MORE_FOLLOWS = 0x80;

const NO_BYTES = new Uint8Array(0);
const ascii = new TextEncoder();
/** Envelopes share memory: an allocation of its own costs more than filling a small one. */
const SLAB_BYTES = 64 * 1024;

/**
 * Collects items, copying their payloads once, until `finish` makes one envelope of them.
 *
 *     offset size field
 *          0   36 header (envelope-header.ts)
 *         36    … items, each:
 *                  0    1 kind, plus 128 when the next item continues the body
 *                  1    4 length of the body
 *                  5    … body: player id (4), ids (count 4, 4 each), close name (ASCII), payload, as the kind has
 *                         them, in this order
 *
 * All integers are big-endian. A kind that a receiver does not know is skipped and counts as an item.
 */
export class EnvelopeWriter {
  readonly #onFull: () => void;
  /** None between envelopes: thousands of links wait for their next frame. */
  #bytes: Uint8Array = NO_BYTES;
  #firstBytes = FIRST_BYTES;
  #end = HEADER_BYTES;
  #items = 0;

  /** @param onFull called, with items collected, when they should be finished before more are appended */
  constructor(onFull: () => void) {
    this.#onFull = onFull;
  }

  get items(): number {
    return this.#items;
  }

  /** Memory that the envelope takes which `finish` will return, used or not. */
  get capacity(): number {
    return this.#bytes.length;
  }

  append(item: Item): void {
    switch (item.kind) {
      case 'joined':
      case 'known':
      case 'left':
        return this.#write(KIND[item.kind], item.player, NO_BYTES);
      case 'toHost':
        return this.#write(item.isBinary ? KIND.toHostBinary : KIND.toHostText, item.player, item.bytes);
      case 'toPlayer':
        return this.#write(item.isBinary ? KIND.toPlayerBinary : KIND.toPlayerText, item.player, item.bytes);
      case 'toPlayers':
        return this.#write(item.isBinary ? KIND.toPlayersBinary : KIND.toPlayersText, item.to, item.bytes);
      case 'closePlayer':
        return this.#write(KIND.closePlayer, item.player, ascii.encode(item.why));
      case 'closeRoom':
        return this.#write(KIND.closeRoom, undefined, ascii.encode(item.why));
    }
  }

  /** The envelope of everything appended since the last call, its header to be written. The caller owns it. */
  finish(): Uint8Array {
    this.#reserve(this.#end);
    const envelope = this.#bytes.subarray(0, this.#end);
    this.#firstBytes = Math.min(MAX_FIRST_BYTES, Math.max(FIRST_BYTES, this.#end));
    this.#bytes = NO_BYTES;
    this.#end = HEADER_BYTES;
    this.#items = 0;
    return envelope;
  }

  /** One item of a body, `whose` and then `payload`; or several, where the body is cut. */
  #write(kind: number, whose: PlayerId | Addressees | undefined, payload: Uint8Array): void {
    let first = whose;
    let rest = payload;
    for (;;) {
      const most = Math.max(0, FULL_BYTES - bytesOf(first));
      if (rest.length <= most) return this.#item(kind, first, rest);
      this.#item(kind | MORE_FOLLOWS, first, rest.subarray(0, most));
      first = undefined;
      rest = rest.subarray(most);
    }
  }

  #item(kind: number, whose: PlayerId | Addressees | undefined, payload: Uint8Array): void {
    const length = bytesOf(whose) + payload.length;
    let at = this.#end + ITEM_HEADER_BYTES;
    this.#reserve(at + length);
    const bytes = this.#bytes;
    bytes[this.#end] = kind;
    writeU32(bytes, this.#end + 1, length);
    if (whose !== undefined) at = writeWhose(bytes, at, whose);
    bytes.set(payload, at);
    this.#end = at + payload.length;
    this.#items += 1;
    if (this.#end >= FULL_BYTES) this.#onFull();
  }

  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const bytes = takeMemory(Math.max(end, 2 * this.#bytes.length, this.#firstBytes));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** Memory that nobody else has; what is in it is not said. A slab lives as long as anything that was taken of it. */
function takeMemory(bytes: number): Uint8Array {
  if (bytes > MAX_FIRST_BYTES) return new Uint8Array(bytes);
  if (slabUsed + bytes > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += bytes;
  return slab.subarray(slabUsed - bytes, slabUsed);
}

function bytesOf(whose: PlayerId | Addressees | undefined): number {
  if (whose === undefined) return 0;
  return typeof whose === 'object' ? 4 + 4 * whose.length : 4;
}

/** Answers where it ends. */
function writeWhose(bytes: Uint8Array, start: number, whose: PlayerId | Addressees): number {
  if (typeof whose !== 'object') {
    writeU32(bytes, start, whose === 'all' ? 0 : whose);
    return start + 4;
  }
  writeU32(bytes, start, whose.length);
  let at = start + 4;
  for (const player of whose) {
    writeU32(bytes, at, player);
    at += 4;
  }
  return at;
}
