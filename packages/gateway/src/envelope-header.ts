/** What stands before the items of an envelope: whose they are, which they are, and what has arrived. */
import { type Epoch, type NodeId } from './names.ts';

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

export const HEADER_BYTES = 36;
const VERSION = 1;
const FLAG = { asksAgain: 1, isGone: 2, wantsAnswer: 4 } as const;

/** An envelope without items. */
export function emptyEnvelope(): Uint8Array {
  return new Uint8Array(HEADER_BYTES);
}

/**
 *     offset size field
 *          0    1 version, 1
 *          1    1 flags: 1 asksAgain, 2 isGone, 4 wantsAnswer
 *          2    6 epoch
 *          8    4 source, a node id
 *         12    4 stream
 *         16    4 peerStream
 *         20    4 firstItem
 *         24    4 lastItem
 *         28    4 acknowledged
 *         32    4 reserved, 0
 *
 * All integers are big-endian.
 */
export function writeHeader(envelope: Uint8Array, header: EnvelopeHeader): void {
  envelope[0] = VERSION;
  envelope[1] = flagsOf(header);
  const high = Math.floor(header.epoch / 2 ** 32);
  envelope[2] = high >>> 8;
  envelope[3] = high;
  writeU32(envelope, 4, header.epoch % 2 ** 32);
  writeU32(envelope, 8, header.source);
  writeU32(envelope, 12, header.stream);
  writeU32(envelope, 16, header.peerStream);
  writeU32(envelope, 20, header.firstItem);
  writeU32(envelope, 24, header.lastItem);
  writeU32(envelope, 28, header.acknowledged);
  writeU32(envelope, 32, 0);
}

function flagsOf({ asksAgain, isGone, wantsAnswer }: EnvelopeHeader): number {
  return (asksAgain ? FLAG.asksAgain : 0) | (isGone ? FLAG.isGone : 0) | (wantsAnswer ? FLAG.wantsAnswer : 0);
}

/** The header, or `undefined` for an envelope of another version. */
export function decodeHeader(envelope: Uint8Array): EnvelopeHeader | undefined {
  if (envelope.length < HEADER_BYTES || envelope[0] !== VERSION) return undefined;
  const flags = envelope[1] ?? 0;
  const u32 = (at: number): number => readU32(envelope, at, HEADER_BYTES);
  return {
    epoch: ((u32(0) & 0xffff) * 2 ** 32 + u32(4)) as Epoch,
    source: u32(8) as NodeId,
    stream: u32(12),
    peerStream: u32(16),
    firstItem: u32(20),
    lastItem: u32(24),
    acknowledged: u32(28),
    asksAgain: (flags & FLAG.asksAgain) !== 0,
    isGone: (flags & FLAG.isGone) !== 0,
    wantsAnswer: (flags & FLAG.wantsAnswer) !== 0,
  };
}

/** By hand, as reading is: making a `DataView` costs more than the number. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** @throws {RangeError} when it does not lie before `end` as a whole */
export function readU32(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 > end || at + 4 > bytes.length) throw new RangeError('an envelope ends within an item');
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return high * 0x1_0000 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
}
