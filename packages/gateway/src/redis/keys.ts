/** Every key in Redis. All of them expire. */
import { type RoomCode } from '@wmbp/protocol';
import { type NodeId } from '../names.ts';
import { tagOf } from '../partitions.ts';

/** HASH epoch, opened_ms, name, max_players, locked, host_node, next_player */
export function roomKey(room: RoomCode): string {
  return `wmbp:{${tagOf(room)}}:room:${room}`;
}

/** HASH player id → node id */
export function playersKey(room: RoomCode): string {
  return `wmbp:{${tagOf(room)}}:players:${room}`;
}

/** STRING the player id that this join was given; lives just long enough for a second run to see it. */
export function joinKey(room: RoomCode, join: string): string {
  return `wmbp:{${tagOf(room)}}:join:${join}`;
}

/** STRING, a node's lease. */
export function nodeKey(node: NodeId): string {
  return `wmbp:node:${node}`;
}

/** STRING, random: the lease of all nodes together. Another value means that Redis has lost what it held. */
export const CLUSTER_KEY = 'wmbp:nodes';
