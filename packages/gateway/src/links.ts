/** The links of this node, by room and other node. */
import { type Backplane } from './backplane.ts';
import { channelOf } from './channels.ts';
import { Link } from './link.ts';
import { type NodeId } from './names.ts';
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

  /** Forgets the way to a node that holds no player of the room any more. */
  release(host: HostSession, node: NodeId): void {
    for (const member of host.members.values()) if (member.node === node) return;
    host.room.links.delete(node);
    host.room.heard.delete(node);
  }
}
