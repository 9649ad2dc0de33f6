/** What travels between nodes: envelopes of items, as bytes. */
import { CLOSE, playerId, type Addressees, type CloseName, type PlayerId } from '@wmbp/protocol';
import { type Epoch, type NodeId } from './names.ts';

export type Item =
  /** Precedes every `toHost` of this player. */
  | { readonly kind: 'joined'; readonly player: PlayerId }
  /** Follows every `toHost` of this player. */
  | { readonly kind: 'left'; readonly player: PlayerId }
  | {
      readonly kind: 'toHost';
      readonly player: PlayerId;
      readonly bytes: Uint8Array;
      readonly isBinary: boolean;
    }
  /** `'all'`: every player of the room on the receiving node. */
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
  /** Random u32 per link: items are numbered within it. */
  readonly stream: number;
  /** Number of the first item, counted from 1. */
  readonly firstItem: number;
}

const VERSION = 1;
const HEADER_BYTES = 20;
const ITEM_HEADER_BYTES = 5;
const FIRST_BYTES = 512;
/** A buffer larger than this is not kept for the next envelope. */
const KEPT_BYTES = 64 * 1024;

const KIND = {
  joined: 1,
  left: 2,
  toHostBinary: 3,
  toHostText: 4,
  toPlayersBinary: 5,
  toPlayersText: 6,
  closePlayer: 7,
  closeRoom: 8,
} as const;

const CLOSE_NAMES = Object.keys(CLOSE) as CloseName[];
const ascii = new TextEncoder();
const asciiReader = new TextDecoder();

/**
 * Collects items, copying their payloads, until `finish` makes one envelope of them.
 *
 *     offset size field                       each item
 *          0    1 version, 1                       0    1 kind
 *          1    1 reserved, 0                      1    4 length of the body
 *          2    6 epoch                            5    … body: player id (4), ids (count 4, 4 each),
 *          8    4 source, a node id                       close name (ASCII), payload, as the kind has
 *         12    4 stream                                  them, in this order
 *         16    4 number of the first item
 *         20    … items
 *
 * All integers are big-endian. A kind that a receiver does not know is skipped and counts as an item.
 */
export class EnvelopeWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = HEADER_BYTES;
  #items = 0;

  get items(): number {
    return this.#items;
  }

  append(item: Item): void {
    this.#items += 1;
    switch (item.kind) {
      case 'joined':
      case 'left':
        this.#begin(KIND[item.kind], 4);
        this.#u32(item.player);
        return;
      case 'toHost':
        this.#begin(item.isBinary ? KIND.toHostBinary : KIND.toHostText, 4 + item.bytes.length);
        this.#u32(item.player);
        this.#copy(item.bytes);
        return;
      case 'toPlayers':
        this.#toPlayers(item.to === 'all' ? [] : item.to, item.bytes, item.isBinary);
        return;
      case 'closePlayer': {
        const name = ascii.encode(item.why);
        this.#begin(KIND.closePlayer, 4 + name.length);
        this.#u32(item.player);
        this.#copy(name);
        return;
      }
      case 'closeRoom': {
        const name = ascii.encode(item.why);
        this.#begin(KIND.closeRoom, name.length);
        this.#copy(name);
      }
    }
  }

  /** The envelope of everything appended since the last call; its memory is the caller's. */
  finish(header: EnvelopeHeader): Uint8Array {
    const view = this.#view;
    view.setUint8(0, VERSION);
    view.setUint8(1, 0);
    view.setUint16(2, Math.floor(header.epoch / 2 ** 32));
    view.setUint32(4, header.epoch % 2 ** 32);
    view.setUint32(8, header.source);
    view.setUint32(12, header.stream);
    view.setUint32(16, header.firstItem);
    const envelope = this.#bytes.slice(0, this.#end);
    this.#end = HEADER_BYTES;
    this.#items = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#replace(FIRST_BYTES, 0);
    return envelope;
  }

  #toPlayers(ids: readonly PlayerId[], bytes: Uint8Array, isBinary: boolean): void {
    const kind = isBinary ? KIND.toPlayersBinary : KIND.toPlayersText;
    this.#begin(kind, 4 + 4 * ids.length + bytes.length);
    this.#u32(ids.length);
    for (const id of ids) this.#u32(id);
    this.#copy(bytes);
  }

  #begin(kind: number, length: number): void {
    const needed = this.#end + ITEM_HEADER_BYTES + length;
    if (needed > this.#bytes.length) this.#replace(Math.max(needed, 2 * this.#bytes.length), this.#end);
    this.#view.setUint8(this.#end, kind);
    this.#end += 1;
    this.#u32(length);
  }

  #u32(value: number): void {
    this.#view.setUint32(this.#end, value);
    this.#end += 4;
  }

  #copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  #replace(size: number, kept: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.#bytes.subarray(0, kept));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** The header, or `undefined` for an envelope of another version. */
export function decodeHeader(envelope: Uint8Array): EnvelopeHeader | undefined {
  const view = viewOf(envelope);
  if (envelope.length < HEADER_BYTES || view.getUint8(0) !== VERSION) return undefined;
  return {
    epoch: (view.getUint16(2) * 2 ** 32 + view.getUint32(4)) as Epoch,
    source: view.getUint32(8) as NodeId,
    stream: view.getUint32(12),
    firstItem: view.getUint32(16),
  };
}

/** The items in order; `undefined` stands for one of a kind not known here. Payloads are views of `envelope`. */
export function* decodeItems(envelope: Uint8Array): Generator<Item | undefined> {
  const view = viewOf(envelope);
  for (let offset = HEADER_BYTES; offset < envelope.length;) {
    const body = offset + ITEM_HEADER_BYTES;
    const end = body + view.getUint32(offset + 1);
    yield decodeItem(view.getUint8(offset), envelope.subarray(body, end));
    offset = end;
  }
}

function decodeItem(kind: number, body: Uint8Array): Item | undefined {
  switch (kind) {
    case KIND.joined:
      return { kind: 'joined', player: readPlayer(body) };
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
