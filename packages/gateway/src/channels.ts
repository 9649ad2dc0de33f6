/** Every backplane channel name. */
import { type RoomCode } from '@wmbp/protocol';
import { type NodeId } from './names.ts';
import { tagOf } from './partitions.ts';

/**
 * What one node must hear about one room. One for each node, not one for the room: a frame for one player is not
 * copied to every node, and a publish that reaches nobody is known to be lost.
 */
export function channelOf(room: RoomCode, node: NodeId): string {
  return `wmbp:{${tagOf(room)}}:${room}:${node}`;
}
