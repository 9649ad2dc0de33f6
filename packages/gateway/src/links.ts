/** The links of this node, by room and other node. */
import { type RoomCode } from '@wmbp/protocol';
import { type Backplane } from './backplane.ts';
import { channelOf } from './channels.ts';
import { type Item } from './envelope.ts';
import { Link } from './link.ts';
import { type Metrics } from './metrics.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type HostSession, type Room } from './session.ts';
import { type Turn } from './turn.ts';

export class Links {
  readonly #node: NodeId;
  readonly #backplane: Backplane;
  readonly #turn: Turn;
  readonly #counts: Metrics['links'];
  readonly #onLost: (room: Room, node: NodeId) => void;

  constructor(
    node: NodeId,
    backplane: Backplane,
    turn: Turn,
    metrics: Metrics,
    onLost: (room: Room, node: NodeId) => void,
  ) {
    this.#node = node;
    this.#backplane = backplane;
    this.#turn = turn;
    this.#counts = metrics.links;
    this.#onLost = onLost;
  }

  to(room: Room, node: NodeId): Link {
    const known = room.links.get(node);
    if (known) return known;
    const link = this.#open(room.code, room.epoch, node, () => {
      if (room.links.get(node) !== link) return;
      this.#counts.lost += 1;
      this.#onLost(room, node);
    });
    room.links.set(node, link);
    return link;
  }

  /** One item to a node that believes in a room which this one does not have (any more). */
  once(code: RoomCode, epoch: Epoch, node: NodeId, item: Item): void {
    this.#open(code, epoch, node, () => undefined).append(item);
  }

  /** Forgets the way to a node that holds no player of the room any more. */
  release(host: HostSession, node: NodeId): void {
    for (const member of host.members.values()) if (member.node === node) return;
    host.room.links.delete(node);
    host.room.heard.delete(node);
  }

  #open(code: RoomCode, epoch: Epoch, node: NodeId, onLost: () => void): Link {
    const ends = { channel: channelOf(code, node), epoch, source: this.#node };
    return new Link(ends, this.#backplane, this.#turn, this.#counts, onLost);
  }
}
