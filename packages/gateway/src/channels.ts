/** Every backplane channel name. */
import { type RoomCode } from '@wmbp/protocol';
import { type NodeId } from './names.ts';

/** What one node must hear about one room. */
export function channelOf(room: RoomCode, node: NodeId): string {
  return `wmbp:${room}:${node}`;
}
