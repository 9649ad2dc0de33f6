/** Names between nodes: node ids and epochs, both random. */
import { randomInt } from 'node:crypto';

/** Random u32 per process start. Nothing is ever identified by host name. */
export type NodeId = number & { readonly __brand: 'NodeId' };

/** Random 48-bit integer per room, so that a code used again is never confused with its last room. */
export type Epoch = number & { readonly __brand: 'Epoch' };

const U32 = 2 ** 32;
/** The widest range `randomInt` draws from. */
const U48 = 2 ** 48;

export function drawNodeId(): NodeId {
  return randomInt(1, U32) as NodeId;
}

export function drawEpoch(): Epoch {
  return randomInt(1, U48 - 1) as Epoch;
}
