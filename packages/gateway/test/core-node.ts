/** The core of one node, without a network: rooms, relay, links and inbox, as gateway.ts composes them. */
import { decodeHostEvent, type HostEvent, type RoomCode } from '@wmbp/protocol';
import { type Backplane } from '../src/backplane.ts';
import { Doubts } from '../src/doubts.ts';
import { Hub } from '../src/hub.ts';
import { Inbox } from '../src/inbox.ts';
import { Journal } from '../src/journal.ts';
import { type Leases } from '../src/leases.ts';
import { Ledger } from '../src/ledger.ts';
import { Links } from '../src/links.ts';
import { Metrics } from '../src/metrics.ts';
import { type NodeId } from '../src/names.ts';
import { Offenders } from '../src/offenders.ts';
import { Neighbours } from '../src/neighbours.ts';
import { LinkBudget } from '../src/outgoing.ts';
import { Relay } from '../src/relay.ts';
import { type RoomStore } from '../src/room-store.ts';
import { Rooms } from '../src/rooms.ts';
import { type HostSession, type PlayerSession } from '../src/session.ts';
import { Subscriptions } from '../src/subscriptions.ts';
import { Turn } from '../src/turn.ts';
import { Upkeep } from '../src/upkeep.ts';
import { FakeLog, FakeSocket } from './fakes.ts';

const EVERYBODY_LIVES: Leases = {
  renew: () => Promise.resolve({ wasHeld: true, generation: '' }),
  areHeld: (nodes) => Promise.resolve(nodes.map(() => true)),
  release: () => Promise.resolve(),
};

export class CoreNode {
  readonly id: NodeId;
  readonly log = new FakeLog();
  readonly hub = new Hub();
  readonly relay: Relay;
  readonly rooms: Rooms;
  readonly inbox: Inbox;
  readonly links: Links;
  readonly upkeep: Upkeep;
  readonly metrics = new Metrics();
  readonly doubts = new Doubts();

  /** @param maxLinkBytes what may be kept for other nodes */
  constructor(
    id: number,
    store: RoomStore,
    backplane: Backplane,
    maxLinkBytes = 64 * 1024 * 1024,
    leases = EVERYBODY_LIVES,
  ) {
    this.id = id as NodeId;
    const turn = new Turn(this.log);
    this.relay = new Relay(turn.buffer);
    const hear = (room: RoomCode, envelope: Uint8Array): void => this.links.receive(room, envelope);
    const subscriptions = new Subscriptions(backplane, this.id, hear, this.log);
    const budget = new LinkBudget(maxLinkBytes);
    this.links = new Links(this.id, backplane, turn, subscriptions, budget, this.metrics, {
      deliver: (...item) => this.inbox.deliver(...item),
      onLost: (...lost) => this.inbox.onLost(...lost),
      hostedRoom: (...room) => this.inbox.hostedRoom(...room),
    });
    const journal = new Journal(this.log, this.metrics, new Offenders(this.log, true));
    const neighbours = new Neighbours(leases);
    const { hub, log, metrics, doubts } = this;
    const ledger = new Ledger(this.id, store, neighbours, doubts, log);
    this.rooms = new Rooms(this.id, 100, ledger, subscriptions, this.links, hub, this.relay, journal);
    this.inbox = new Inbox(hub, this.relay, this.rooms);
    this.upkeep = new Upkeep(
      this.id,
      leases,
      neighbours,
      store,
      ledger,
      hub,
      this.rooms,
      doubts,
      metrics,
      log,
    );
  }

  close(): void {
    this.links.close();
  }

  /** A host with an open room. */
  async host(maxPlayers: number): Promise<{ host: HostSession; socket: FakeSocket; code: RoomCode }> {
    const socket = new FakeSocket();
    const outcome = await this.rooms.create(socket, '', maxPlayers);
    if (!outcome.ok) throw new Error(outcome.why);
    return { host: outcome.host, socket, code: outcome.host.room.code };
  }

  /** A player that was admitted; whether its host knows yet shows. */
  async player(code: RoomCode): Promise<{ session: PlayerSession; socket: FakeSocket }> {
    const socket = new FakeSocket();
    const outcome = await this.rooms.join(code, socket);
    if (!outcome.ok) throw new Error(outcome.why);
    return { session: outcome.session, socket };
  }

  /** What a player here sends. */
  send(session: PlayerSession, text: string): void {
    this.relay.toHost(session, Buffer.from(text), false);
  }
}

/** What a host's socket got, short: `joined 1`, `left 1`, `state 1,2`, `1: text`. */
export function heardBy(socket: FakeSocket): string[] {
  return socket.frames.map(({ bytes }) => shown(decodeHostEvent(bytes)));
}

function shown(event: HostEvent): string {
  switch (event.cmd) {
    case 'player_joined':
      return `joined ${event.player}`;
    case 'player_left':
      return `left ${event.player}`;
    case 'state':
      return `state ${event.players.join()}`;
    case 'from':
      return `${event.from}: x${Buffer.from(event.data).toString('hex')}`;
    case 'from_str':
      return `${event.from}: ${event.data}`;
    case 'prepare_reply':
    case 'stop':
    case 'error':
      return event.cmd;
  }
}
