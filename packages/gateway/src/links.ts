/** The links of this node, by room and other node. */
import { type RoomCode } from '@wmbp/protocol';
import { type Backplane } from './backplane.ts';
import { channelOf } from './channels.ts';
import { type Item } from './envelope.ts';
import { Link } from './link.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type HostSession, type Room } from './session.ts';
import { type Turn } from './turn.ts';

export class Links {
  readonly #node: NodeId;
  readonly #backplane: Backplane;
  readonly #turn: Turn;
  readonly #onLost: (room: Room, node: NodeId) => void;

  constructor(node: NodeId, backplane: Backplane, turn: Turn, onLost: (room: Room, node: NodeId) => void) {
    this.#node = node;
    this.#backplane = backplane;
    this.#turn = turn;
    this.#onLost = onLost;
  }

  to(room: Room, node: NodeId): Link {
    const known = room.links.get(node);
    if (known) return known;
    const ends = { channel: channelOf(room.code, node), epoch: room.epoch, source: this.#node };
    const link = new Link(ends, this.#backplane, this.#turn, () => {
      if (room.links.get(node) === link) this.#onLost(room, node);
    });
    room.links.set(node, link);
    return link;
  }

  /** One item to a node that believes in a room which this one does not have (any more). */
  once(code: RoomCode, epoch: Epoch, node: NodeId, item: Item): void {
    const ends = { channel: channelOf(code, node), epoch, source: this.#node };
    new Link(ends, this.#backplane, this.#turn, () => undefined).append(item);
  }

  /** Forgets the way to a node that holds no player of the room any more. */
  release(host: HostSession, node: NodeId): void {
    for (const member of host.members.values()) if (member.node === node) return;
    host.room.links.delete(node);
    host.room.heard.delete(node);
  }
}
