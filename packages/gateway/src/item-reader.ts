/** Reads the items of envelopes where they lie; `EnvelopeWriter` has the table. */
import { CLOSE, playerId, type CloseName, type PlayerId } from '@wmbp/protocol';
import { HEADER_BYTES, readU32 } from './envelope-header.ts';
import { ITEM_HEADER_BYTES, KIND, MORE_FOLLOWS, type Item } from './envelope.ts';

export const FIRST_ITEM_AT: number = HEADER_BYTES;

const CLOSE_NAMES = Object.keys(CLOSE) as CloseName[];
const asciiReader = new TextDecoder();

/** Where the item ends that begins at `start`. */
export function endOfItem(envelope: Uint8Array, start: number): number {
  const body = start + ITEM_HEADER_BYTES;
  return Math.min(envelope.length, body + readU32(envelope, start + 1, body));
}

/** Puts items together that were cut. One for each stream. */
export class ItemReader {
  #pieces: Uint8Array[] = [];

  /**
   * The item that is complete with what lies in `envelope` from `start` to `end`; `undefined` when more follows, or
   * its kind is not known here. Its payload may be a view of the envelope.
   */
  read(envelope: Uint8Array, start: number, end: number): Item | undefined {
    const kind = envelope[start] ?? 0;
    const body = start + ITEM_HEADER_BYTES;
    const moreFollows = (kind & MORE_FOLLOWS) !== 0;
    if (!moreFollows && this.#pieces.length === 0) return decodeItem(kind, envelope, body, end);
    // The envelope's memory is not ours to keep.
    this.#pieces.push(envelope.slice(body, end));
    if (moreFollows) return undefined;
    const whole = joined(this.#pieces);
    this.#pieces = [];
    return decodeItem(kind, whole, 0, whole.length);
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
    case KIND.toPlayerBinary:
    case KIND.toPlayerText:
      return {
        kind: 'toPlayer',
        player: readPlayer(bytes, start, end),
        bytes: bytes.subarray(start + 4, end),
        isBinary: kind === KIND.toPlayerBinary,
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
