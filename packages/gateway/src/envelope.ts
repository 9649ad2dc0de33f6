/** What travels between nodes: envelopes of items, as bytes. */
import { CLOSE, playerId, type Addressees, type CloseName, type PlayerId } from '@wmbp/protocol';
import { HEADER_BYTES } from './envelope-header.ts';

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

const ITEM_HEADER_BYTES = 5;
/** Memory for a link's first envelope; later ones begin with what the last one took, up to the second. */
const FIRST_BYTES = 512;
const MAX_FIRST_BYTES = 16 * 1024;
/**
 * An envelope is full beyond this, and a longer body is cut: a Redis that copies megabytes for one subscriber
 * serves nobody else meanwhile.
 */
export const FULL_BYTES = 256 * 1024;

const KIND = {
  joined: 1,
  left: 2,
  toHostBinary: 3,
  toHostText: 4,
  toPlayersBinary: 5,
  toPlayersText: 6,
  closePlayer: 7,
  closeRoom: 8,
  known: 9,
} as const;
/** Added to the kind of each piece of a body but the last. */
const MORE_FOLLOWS = 0x80;

const CLOSE_NAMES = Object.keys(CLOSE) as CloseName[];
const NO_NUMBERS: readonly number[] = [];
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
const ascii = new TextEncoder();
const asciiReader = new TextDecoder();

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
  #bytes = NO_BYTES;
  #view = NO_VIEW;
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

  append(item: Item): void {
    switch (item.kind) {
      case 'joined':
      case 'known':
      case 'left':
        return this.#write(KIND[item.kind], [item.player], NO_BYTES);
      case 'toHost':
        return this.#write(item.isBinary ? KIND.toHostBinary : KIND.toHostText, [item.player], item.bytes);
      case 'toPlayers': {
        const numbers = item.to === 'all' ? [0] : [item.to.length, ...item.to];
        return this.#write(item.isBinary ? KIND.toPlayersBinary : KIND.toPlayersText, numbers, item.bytes);
      }
      case 'closePlayer':
        return this.#write(KIND.closePlayer, [item.player], ascii.encode(item.why));
      case 'closeRoom':
        return this.#write(KIND.closeRoom, NO_NUMBERS, ascii.encode(item.why));
    }
  }

  /** The envelope of everything appended since the last call, its header to be written. The caller owns it. */
  finish(): Uint8Array {
    this.#reserve(this.#end);
    const envelope = this.#bytes.subarray(0, this.#end);
    this.#firstBytes = Math.min(MAX_FIRST_BYTES, Math.max(FIRST_BYTES, this.#end));
    this.#bytes = NO_BYTES;
    this.#view = NO_VIEW;
    this.#end = HEADER_BYTES;
    this.#items = 0;
    return envelope;
  }

  /** One item of a body, `numbers` and then `payload`; or several, where the body is cut. */
  #write(kind: number, numbers: readonly number[], payload: Uint8Array): void {
    let first = numbers;
    let rest = payload;
    for (;;) {
      const most = Math.max(0, FULL_BYTES - 4 * first.length);
      if (rest.length <= most) return this.#item(kind, first, rest);
      this.#item(kind | MORE_FOLLOWS, first, rest.subarray(0, most));
      first = NO_NUMBERS;
      rest = rest.subarray(most);
    }
  }

  #item(kind: number, numbers: readonly number[], payload: Uint8Array): void {
    const length = 4 * numbers.length + payload.length;
    let at = this.#end + ITEM_HEADER_BYTES;
    this.#reserve(at + length);
    this.#view.setUint8(this.#end, kind);
    this.#view.setUint32(this.#end + 1, length);
    for (const number of numbers) {
      this.#view.setUint32(at, number);
      at += 4;
    }
    this.#bytes.set(payload, at);
    this.#end = at + payload.length;
    this.#items += 1;
    if (this.#end >= FULL_BYTES) this.#onFull();
  }

  #reserve(end: number): void {
    if (end <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(end, 2 * this.#bytes.length, this.#firstBytes));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** An item as it travels: whole, or a piece of one. */
export interface RawItem {
  readonly kind: number;
  readonly moreFollows: boolean;
  readonly envelope: Uint8Array;
  /** Where its body lies in the envelope. */
  readonly start: number;
  readonly end: number;
}

export function* decodeRawItems(envelope: Uint8Array): Generator<RawItem> {
  for (let offset = HEADER_BYTES; offset < envelope.length;) {
    const start = offset + ITEM_HEADER_BYTES;
    const end = Math.min(envelope.length, start + readU32(envelope, offset + 1, start));
    const kind = envelope[offset] ?? 0;
    const moreFollows = (kind & MORE_FOLLOWS) !== 0;
    yield { kind: kind & ~MORE_FOLLOWS, moreFollows, envelope, start, end };
    offset = end;
  }
}

/** The items of an envelope that holds whole ones; `undefined` stands for one of a kind not known here. */
export function* decodeItems(envelope: Uint8Array): Generator<Item | undefined> {
  const assembly = new Assembly();
  for (const raw of decodeRawItems(envelope)) yield assembly.add(raw);
}

/** Puts items together that were cut. One for each stream. */
export class Assembly {
  #pieces: Uint8Array[] = [];

  /** The item that is complete with this one; `undefined` when more follows, or its kind is not known here. */
  add(raw: RawItem): Item | undefined {
    const { kind, moreFollows, envelope, start, end } = raw;
    if (!moreFollows && this.#pieces.length === 0) return decodeItem(kind, envelope, start, end);
    // The envelope's memory is not ours to keep.
    this.#pieces.push(envelope.slice(start, end));
    if (moreFollows) return undefined;
    const body = joined(this.#pieces);
    this.#pieces = [];
    return decodeItem(kind, body, 0, body.length);
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

/** Of the body that lies in `bytes` from `start` to `end`. */
function decodeItem(kind: number, bytes: Uint8Array, start: number, end: number): Item | undefined {
  switch (kind) {
    case KIND.joined:
      return { kind: 'joined', player: readPlayer(bytes, start, end) };
    case KIND.known:
      return { kind: 'known', player: readPlayer(bytes, start, end) };
    case KIND.left:
      return { kind: 'left', player: readPlayer(bytes, start, end) };
    case KIND.toHostBinary:
    case KIND.toHostText:
      return {
        kind: 'toHost',
        player: readPlayer(bytes, start, end),
        bytes: bytes.subarray(start + 4, end),
        isBinary: kind === KIND.toHostBinary,
      };
    case KIND.toPlayersBinary:
    case KIND.toPlayersText:
      return readToPlayers(bytes, start, end, kind === KIND.toPlayersBinary);
    case KIND.closePlayer: {
      const why = readCloseName(bytes.subarray(start + 4, end));
      return { kind: 'closePlayer', player: readPlayer(bytes, start, end), why };
    }
    case KIND.closeRoom:
      return { kind: 'closeRoom', why: readCloseName(bytes.subarray(start, end)) };
    default:
      return undefined;
  }
}

function readPlayer(bytes: Uint8Array, start: number, end: number): PlayerId {
  return playerId(readU32(bytes, start, end));
}

function readToPlayers(bytes: Uint8Array, start: number, end: number, isBinary: boolean): Item {
  const count = readU32(bytes, start, end);
  const data = start + 4 + 4 * count;
  const ids: PlayerId[] = [];
  for (let at = start + 4; at < data; at += 4) ids.push(playerId(readU32(bytes, at, end)));
  return { kind: 'toPlayers', to: count === 0 ? 'all' : ids, bytes: bytes.subarray(data, end), isBinary };
}

/** A newer node may close for a reason that this one has no name for. */
function readCloseName(bytes: Uint8Array): CloseName {
  const name = asciiReader.decode(bytes);
  return CLOSE_NAMES.find((known) => known === name) ?? 'internalError';
}

/** By hand: a view would cost more than the number. */
function readU32(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end || at + 4 > bytes.length) throw new RangeError('an envelope ends within an item');
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return high * 0x1_0000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
}
