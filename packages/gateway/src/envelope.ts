/** What travels between nodes: envelopes of items, as bytes. */
import { CLOSE, playerId, type Addressees, type CloseName, type PlayerId } from '@wmbp/protocol';
import { type Epoch, type NodeId } from './names.ts';

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

export interface EnvelopeHeader {
  readonly epoch: Epoch;
  readonly source: NodeId;
  /** Which of the source's streams to this node: a later one has a larger number. */
  readonly stream: number;
  /** The stream of this node that `acknowledged` speaks of; 0 when the source knows none. */
  readonly peerStream: number;
  /** Number of the first item in here, counted from 1 in its stream; the next one's when there is none. */
  readonly firstItem: number;
  /** Number of the last item there is, in here or not. */
  readonly lastItem: number;
  /** All items of `peerStream` up to this one have arrived. */
  readonly acknowledged: number;
  /** The item after `acknowledged` is missing, though later ones are there: send again from it. */
  readonly asksAgain: boolean;
  /** Whether everything has arrived: to be acknowledged at once. */
  readonly wantsAnswer: boolean;
  /** The source has no such room, or has given this link up: nothing that is sent to it about the room arrives anywhere. */
  readonly isGone: boolean;
}

const VERSION = 1;
const HEADER_BYTES = 36;
const FLAG = { asksAgain: 1, isGone: 2, wantsAnswer: 4 } as const;
const ITEM_HEADER_BYTES = 5;
const FIRST_BYTES = 512;
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
const NOTHING = new Uint8Array(0);
const ascii = new TextEncoder();
const asciiReader = new TextDecoder();

/**
 * Collects items, copying their payloads once, until `finish` makes one envelope of them.
 *
 *     offset size field                       each item
 *          0    1 version, 1                       0    1 kind, plus 128 when the next item continues the body
 *          1    1 flags: 1 asksAgain, 2 isGone,    1    4 length of the body
 *                        4 wantsAnswer
 *          2    6 epoch                            5    … body: player id (4), ids (count 4, 4 each),
 *          8    4 source, a node id                       close name (ASCII), payload, as the kind has
 *         12    4 stream                                  them, in this order
 *         16    4 peerStream
 *         20    4 firstItem
 *         24    4 lastItem
 *         28    4 acknowledged
 *         32    4 reserved, 0
 *         36    … items
 *
 * All integers are big-endian. A kind that a receiver does not know is skipped and counts as an item.
 */
export class EnvelopeWriter {
  readonly #onFull: () => void;
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
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
        return this.#write(KIND[item.kind], u32s([item.player]), NOTHING);
      case 'toHost':
        return this.#write(
          item.isBinary ? KIND.toHostBinary : KIND.toHostText,
          u32s([item.player]),
          item.bytes,
        );
      case 'toPlayers': {
        const ids = item.to === 'all' ? [] : item.to;
        const kind = item.isBinary ? KIND.toPlayersBinary : KIND.toPlayersText;
        return this.#write(kind, u32s([ids.length, ...ids]), item.bytes);
      }
      case 'closePlayer':
        return this.#write(KIND.closePlayer, u32s([item.player]), ascii.encode(item.why));
      case 'closeRoom':
        return this.#write(KIND.closeRoom, NOTHING, ascii.encode(item.why));
    }
  }

  /** The envelope of everything appended since the last call, its header to be written. The caller owns it. */
  finish(): Uint8Array {
    const envelope = this.#bytes.subarray(0, this.#end);
    this.#end = HEADER_BYTES;
    this.#items = 0;
    this.#replace(FIRST_BYTES, 0);
    return envelope;
  }

  /** One item of a body, `head` and then `payload`; or several, where the body is cut. */
  #write(kind: number, head: Uint8Array, payload: Uint8Array): void {
    let from = 0;
    let part = head;
    for (;;) {
      const take = Math.min(payload.length - from, Math.max(0, FULL_BYTES - part.length));
      const isLast = from + take === payload.length;
      this.#item(isLast ? kind : kind | MORE_FOLLOWS, part, payload.subarray(from, from + take));
      if (this.#end >= FULL_BYTES) this.#onFull();
      if (isLast) return;
      from += take;
      part = NOTHING;
    }
  }

  #item(kind: number, head: Uint8Array, payload: Uint8Array): void {
    const length = head.length + payload.length;
    const end = this.#end + ITEM_HEADER_BYTES + length;
    if (end > this.#bytes.length) this.#replace(Math.max(end, 2 * this.#bytes.length), this.#end);
    this.#view.setUint8(this.#end, kind);
    this.#view.setUint32(this.#end + 1, length);
    this.#bytes.set(head, this.#end + ITEM_HEADER_BYTES);
    this.#bytes.set(payload, end - payload.length);
    this.#end = end;
    this.#items += 1;
  }

  #replace(size: number, kept: number): void {
    const bytes = new Uint8Array(size);
    if (kept > 0) bytes.set(this.#bytes.subarray(0, kept));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** An envelope without items. */
export function emptyEnvelope(): Uint8Array {
  return new Uint8Array(HEADER_BYTES);
}

export function writeHeader(envelope: Uint8Array, header: EnvelopeHeader): void {
  const view = viewOf(envelope);
  view.setUint8(0, VERSION);
  view.setUint8(1, flagsOf(header));
  view.setUint16(2, Math.floor(header.epoch / 2 ** 32));
  view.setUint32(4, header.epoch % 2 ** 32);
  view.setUint32(8, header.source);
  view.setUint32(12, header.stream);
  view.setUint32(16, header.peerStream);
  view.setUint32(20, header.firstItem);
  view.setUint32(24, header.lastItem);
  view.setUint32(28, header.acknowledged);
}

function flagsOf({ asksAgain, isGone, wantsAnswer }: EnvelopeHeader): number {
  return (asksAgain ? FLAG.asksAgain : 0) | (isGone ? FLAG.isGone : 0) | (wantsAnswer ? FLAG.wantsAnswer : 0);
}

/** The header, or `undefined` for an envelope of another version. */
export function decodeHeader(envelope: Uint8Array): EnvelopeHeader | undefined {
  const view = viewOf(envelope);
  if (envelope.length < HEADER_BYTES || view.getUint8(0) !== VERSION) return undefined;
  const flags = view.getUint8(1);
  return {
    epoch: (view.getUint16(2) * 2 ** 32 + view.getUint32(4)) as Epoch,
    source: view.getUint32(8) as NodeId,
    stream: view.getUint32(12),
    peerStream: view.getUint32(16),
    firstItem: view.getUint32(20),
    lastItem: view.getUint32(24),
    acknowledged: view.getUint32(28),
    asksAgain: (flags & FLAG.asksAgain) !== 0,
    isGone: (flags & FLAG.isGone) !== 0,
    wantsAnswer: (flags & FLAG.wantsAnswer) !== 0,
  };
}

/** An item as it travels: whole, or a piece of one. */
export interface RawItem {
  readonly kind: number;
  readonly moreFollows: boolean;
  /** A view of the envelope. */
  readonly body: Uint8Array;
}

export function* decodeRawItems(envelope: Uint8Array): Generator<RawItem> {
  const view = viewOf(envelope);
  for (let offset = HEADER_BYTES; offset < envelope.length;) {
    const body = offset + ITEM_HEADER_BYTES;
    const end = body + view.getUint32(offset + 1);
    const kind = view.getUint8(offset);
    yield {
      kind: kind & ~MORE_FOLLOWS,
      moreFollows: (kind & MORE_FOLLOWS) !== 0,
      body: envelope.subarray(body, end),
    };
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
    if (!raw.moreFollows && this.#pieces.length === 0) return decodeItem(raw.kind, raw.body);
    // The envelope's memory is not ours to keep.
    this.#pieces.push(raw.body.slice());
    if (raw.moreFollows) return undefined;
    const body = joined(this.#pieces);
    this.#pieces = [];
    return decodeItem(raw.kind, body);
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

function u32s(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value);
  return bytes;
}

function decodeItem(kind: number, body: Uint8Array): Item | undefined {
  switch (kind) {
    case KIND.joined:
      return { kind: 'joined', player: readPlayer(body) };
    case KIND.known:
      return { kind: 'known', player: readPlayer(body) };
    case KIND.left:
      return { kind: 'left', player: readPlayer(body) };
    case KIND.toHostBinary:
    case KIND.toHostText:
      return {
        kind: 'toHost',
        player: readPlayer(body),
        bytes: body.subarray(4),
        isBinary: kind === KIND.toHostBinary,
      };
    case KIND.toPlayersBinary:
    case KIND.toPlayersText:
      return readToPlayers(body, kind === KIND.toPlayersBinary);
    case KIND.closePlayer:
      return { kind: 'closePlayer', player: readPlayer(body), why: readCloseName(body.subarray(4)) };
    case KIND.closeRoom:
      return { kind: 'closeRoom', why: readCloseName(body) };
    default:
      return undefined;
  }
}

function readPlayer(body: Uint8Array): PlayerId {
  return playerId(viewOf(body).getUint32(0));
}

function readToPlayers(body: Uint8Array, isBinary: boolean): Item {
  const view = viewOf(body);
  const count = view.getUint32(0);
  const ids: PlayerId[] = [];
  for (let i = 1; i <= count; i += 1) ids.push(playerId(view.getUint32(4 * i)));
  return { kind: 'toPlayers', to: count === 0 ? 'all' : ids, bytes: body.subarray(4 + 4 * count), isBinary };
}

/** A newer node may close for a reason that this one has no name for. */
function readCloseName(bytes: Uint8Array): CloseName {
  const name = asciiReader.decode(bytes);
  return CLOSE_NAMES.find((known) => known === name) ?? 'internalError';
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
