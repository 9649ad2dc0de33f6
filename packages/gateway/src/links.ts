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

const CUT: Item = { kind: 'closeRoom', why: 'linkLost' };
/** How often a node is told that hears nothing; by then it is gone, or knows. */
const MAX_UNHEARD_CUTS = 8;
/** About a kilobyte each. */
const MAX_UNTOLD = 50_000;

export class Links {
  readonly #node: NodeId;
  readonly #backplane: Backplane;
  readonly #turn: Turn;
  readonly #counts: Metrics['links'];
  readonly #onLost: (room: Room, node: NodeId) => void;
  /** Links that were cut, and how often the other node was told and did not hear. */
  readonly #cut = new WeakMap<Link, number>();
  #untold = new Set<Link>();

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
    const link = this.#open(room.code, room.epoch, node, (receivers) => {
      const unheard = this.#cut.get(link);
      if (unheard !== undefined) return this.#onCutUntold(link, receivers === 0 ? unheard + 1 : unheard);
      if (room.links.get(node) !== link) return;
      this.#counts.lost += 1;
      this.#onLost(room, node);
    });
    room.links.set(node, link);
    return link;
  }

  /**
   * Ends the stream to another node, which is told so until it hears it: somebody there may be silent, and wait for
   * frames that do not come. A later stream between the two is not concerned.
   */
  cut(room: Room, node: NodeId): void {
    const link = this.to(room, node);
    room.links.delete(node);
    this.#cut.set(link, 0);
    link.append(CUT);
  }

  /** Call every few seconds. */
  tellCutsAgain(): void {
    const untold = this.#untold;
    this.#untold = new Set();
    for (const link of untold) link.append(CUT);
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

  #onCutUntold(link: Link, unheard: number): void {
    this.#cut.set(link, unheard);
    if (unheard < MAX_UNHEARD_CUTS && this.#untold.size < MAX_UNTOLD) this.#untold.add(link);
  }

  #open(code: RoomCode, epoch: Epoch, node: NodeId, onLost: (receivers: 0 | undefined) => void): Link {
    const ends = { channel: channelOf(code, node), epoch, source: this.#node };
    return new Link(ends, this.#backplane, this.#turn, this.#counts, onLost);
  }
}
