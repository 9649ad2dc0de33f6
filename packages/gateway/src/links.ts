/**
 * The links of this node, by room and other node: made when somebody needs them, kept until both ends know
 * everything, looked at by the clock only while something is under way.
 */
import { type RoomCode } from '@wmbp/protocol';
import { type Backplane, type OnAnswer } from './backplane.ts';
import { channelOf } from './channels.ts';
import { decodeHeader, emptyEnvelope, writeHeader, type EnvelopeHeader } from './envelope-header.ts';
import { EnvelopeWriter, type Item } from './envelope.ts';
import { Link } from './link.ts';
import { type Metrics } from './metrics.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type LinkBudget } from './outgoing.ts';
import { type Room } from './session.ts';
import { type Subscriptions } from './subscriptions.ts';
import { type Flushable, type Turn } from './turn.ts';

/** Finer than any delay that a link waits for. */
const TICK_MS = 50;
/** What the other node has not acknowledged by then it will not: it is gone. */
const LINGER_MS = 30_000;

export interface LinkEvents {
  /** An item from `node`, in order, once. */
  deliver(room: Room, node: NodeId, item: Item): void;
  /** The two nodes have lost each other: who would have a hole is to be closed. */
  onLost(room: Room, node: NodeId): void;
  /** The room of this code and epoch, if its host is here: only then may another node begin a link. */
  hostedRoom(code: RoomCode, epoch: Epoch): Room | undefined;
}

export class Links {
  readonly #node: NodeId;
  readonly #backplane: Backplane;
  readonly #turn: Turn;
  readonly #subscriptions: Subscriptions;
  readonly #budget: LinkBudget;
  readonly #counts: Metrics['links'];
  readonly #events: LinkEvents;
  /** By room and epoch, then by node. */
  readonly #open = new Map<string, Map<NodeId, OpenLink>>();
  readonly #awake = new Set<OpenLink>();
  #ticker: NodeJS.Timeout | undefined;
  #streams = 0;
  #count = 0;

  constructor(
    node: NodeId,
    backplane: Backplane,
    turn: Turn,
    subscriptions: Subscriptions,
    budget: LinkBudget,
    metrics: Metrics,
    events: LinkEvents,
  ) {
    this.#node = node;
    this.#backplane = backplane;
    this.#turn = turn;
    this.#subscriptions = subscriptions;
    this.#budget = budget;
    this.#counts = metrics.links;
    this.#events = events;
  }

  get count(): number {
    return this.#count;
  }

  /** The link to `node`; a new one when there is none. The caller hears the room's channel. */
  to(room: Room, node: NodeId): Link {
    const known = room.links.get(node);
    if (known) return known;
    const open = this.#open.get(keyOf(room.code, room.epoch))?.get(node) ?? this.#begin(room, node);
    // The room may have been forgotten meanwhile, and made anew.
    open.room = room;
    open.retiredAtMs = undefined;
    room.links.set(node, open.link);
    return open.link;
  }

  /** One item to the host's node of a room that this node has no part in. It may get lost. */
  once(code: RoomCode, epoch: Epoch, node: NodeId, item: Item): void {
    const writer = new EnvelopeWriter(() => undefined);
    writer.append(item);
    const envelope = writer.finish();
    this.#streams += 1;
    const first = { stream: this.#streams, peerStream: 0, firstItem: 1, lastItem: 1, acknowledged: 0 };
    const flags = { asksAgain: false, wantsAnswer: false, isGone: false };
    writeHeader(envelope, { epoch, source: this.#node, ...first, ...flags });
    this.#backplane.publish(channelOf(code, node), envelope, ignore);
  }

  /** No frame goes this way for now. What is under way arrives all the same. */
  release(room: Room, node: NodeId): void {
    room.links.delete(node);
  }

  /** The room is over here, or has no peer here any more: its links end when everything has arrived. */
  retire(room: Room): void {
    room.links.clear();
    for (const open of this.#open.get(keyOf(room.code, room.epoch))?.values() ?? []) {
      open.retiredAtMs = performance.now();
      this.#wake(open);
    }
  }

  /** Gives the other node up; what it sends on this link from now on is answered so. */
  cut(room: Room, node: NodeId): void {
    room.links.delete(node);
    const open = this.#open.get(keyOf(room.code, room.epoch))?.get(node);
    if (!open) return;
    room.cutStreams.set(node, open.link.peerStream);
    this.#end(open);
  }

  /** An envelope for a room's channel. Those of another version mean nothing. */
  receive(code: RoomCode, envelope: Uint8Array): void {
    this.#counts.envelopesIn += 1;
    this.#counts.bytesIn += envelope.length;
    const header = decodeHeader(envelope);
    if (!header) return;
    const { epoch, source } = header;
    const open = this.#open.get(keyOf(code, epoch))?.get(source);
    if (header.isGone) {
      if (open && header.peerStream === open.link.stream) this.#lose(open);
    } else if (open && open.link.isContinuedBy(header)) {
      open.link.receive(header, envelope);
    } else {
      this.#receiveFirst(code, header, envelope, open);
    }
    // Much may arrive in one turn: who cannot take it has to show in time.
    if (this.#turn.isFull) this.#turn.flush();
  }

  /** Sends nothing any more. */
  close(): void {
    clearInterval(this.#ticker);
    for (const links of this.#open.values()) for (const { link } of links.values()) link.close();
    this.#open.clear();
    this.#awake.clear();
  }

  /** Another node begins a link with a room here; or it speaks of one that is over. */
  #receiveFirst(
    code: RoomCode,
    header: EnvelopeHeader,
    envelope: Uint8Array,
    open: OpenLink | undefined,
  ): void {
    const { epoch, source, stream, peerStream } = header;
    const room = this.#events.hostedRoom(code, epoch);
    const newest = open?.link.peerStream ?? room?.cutStreams.get(source) ?? 0;
    if (!room || peerStream !== 0 || stream <= newest) {
      if (!open || stream > newest) this.#tellGone(code, header);
      return;
    }
    // Its peers of before are gone, or it would have gone on with the link of before.
    if (open) {
      this.#events.onLost(room, source);
      this.#end(open);
    }
    this.#begin(room, source).link.receive(header, envelope);
  }

  #begin(room: Room, node: NodeId): OpenLink {
    const channel = channelOf(room.code, node);
    this.#streams += 1;
    const ends = { epoch: room.epoch, source: this.#node, stream: this.#streams };
    const onAnswer: OnAnswer = (receivers) => {
      if (!receivers) link.onFailed();
    };
    const link = new Link(ends, this.#budget, this.#counts, {
      now: () => performance.now(),
      publish: (envelope) => {
        this.#counts.envelopesOut += 1;
        this.#counts.bytesOut += envelope.length;
        this.#backplane.publish(channel, envelope, onAnswer);
      },
      deliver: (item) => this.#events.deliver(open.room, node, item),
      onLost: () => this.#lose(open),
      wake: () => this.#wake(open),
    });
    const open = new OpenLink(room, node, link, this.#subscriptions.retain(room.code));
    const key = keyOf(room.code, room.epoch);
    const links = this.#open.get(key);
    if (links) links.set(node, open);
    else this.#open.set(key, new Map([[node, open]]));
    this.#count += 1;
    return open;
  }

  #lose(open: OpenLink): void {
    this.#counts.lost += 1;
    const { room, node } = open;
    this.cut(room, node);
    this.#events.onLost(room, node);
  }

  #end(open: OpenLink): void {
    const { room, node, link, holdsUse } = open;
    link.close();
    this.#awake.delete(open);
    const key = keyOf(room.code, room.epoch);
    const links = this.#open.get(key);
    if (links?.get(node) !== open) return;
    links.delete(node);
    if (links.size === 0) this.#open.delete(key);
    this.#count -= 1;
    if (holdsUse) this.#subscriptions.release(room.code);
  }

  /** For what is answered so there is nobody: its sender closes whom it concerns. */
  #tellGone(code: RoomCode, { epoch, source, stream }: EnvelopeHeader): void {
    const envelope = emptyEnvelope();
    const nothing = { firstItem: 1, lastItem: 0, acknowledged: 0, asksAgain: false, wantsAnswer: false };
    writeHeader(envelope, {
      epoch,
      source: this.#node,
      stream: 0,
      peerStream: stream,
      isGone: true,
      ...nothing,
    });
    this.#backplane.publish(channelOf(code, source), envelope, ignore);
  }

  #wake(open: OpenLink): void {
    if (open.isWaiting) return;
    open.isWaiting = true;
    this.#turn.add(open);
    this.#awake.add(open);
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const open of this.#awake) {
      const { link, retiredAtMs, isWaiting } = open;
      link.tick();
      if (retiredAtMs !== undefined && (link.isSettled || nowMs - retiredAtMs > LINGER_MS)) this.#end(open);
      // What waits for the end of the turn will have a deadline then.
      else if (!isWaiting && link.deadlineMs === undefined) this.#awake.delete(open);
    }
    if (this.#awake.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}

class OpenLink implements Flushable {
  room: Room;
  readonly node: NodeId;
  readonly link: Link;
  /** Of the subscription to the room's channel. */
  readonly holdsUse: boolean;
  isWaiting = false;
  retiredAtMs: number | undefined;

  constructor(room: Room, node: NodeId, link: Link, holdsUse: boolean) {
    this.room = room;
    this.node = node;
    this.link = link;
    this.holdsUse = holdsUse;
  }

  flush(): void {
    this.isWaiting = false;
    this.link.flush();
  }
}

/** What is said once may get lost. */
function ignore(): void {}

function keyOf(code: RoomCode, epoch: Epoch): string {
  return `${code} ${epoch}`;
}
