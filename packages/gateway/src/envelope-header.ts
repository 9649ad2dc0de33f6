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

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
