/**
 * The life of a room: create, join, leave, kick, lock, close.
 *
 * A join goes hear, commit, register, announce: a host may answer `player_joined` in the same millisecond, so
 * this node must be able to deliver before it announces. Announcements take the same way to the host as frames.
 */
import { randomInt } from 'node:crypto';
import { CLOSE, ROOM_CODES, roomCodeOf, type CloseName, type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Hub } from './hub.ts';
import { type Journal } from './journal.ts';
import { type Ledger } from './ledger.ts';
import { type Links } from './links.ts';
import { drawEpoch, type Epoch, type NodeId } from './names.ts';
import { type Relay } from './relay.ts';
import { type JoinResult } from './room-store.ts';
import { type HostSession, type Member, type PlayerSession, type Room } from './session.ts';
import { type Socket } from './socket.ts';
import { type Subscriptions } from './subscriptions.ts';
import { RoomMoving } from './unavailable.ts';

/** Of codes whose rooms are just being moved; one in 256 is. */
const MOVING_DRAWS = 3;
/** With half of all codes in use, twenty draws miss once in a million rooms. */
const CODE_DRAWS = 20;

export type CreateOutcome =
  | { readonly ok: true; readonly host: HostSession }
  | { readonly ok: false; readonly why: 'tooManyRooms' | 'noFreeCode' };

export type JoinOutcome =
  | { readonly ok: true; readonly session: PlayerSession }
  | { readonly ok: false; readonly why: 'roomNotFound' | 'roomStarted' | 'roomFull' | 'socketGone' };

export class Rooms {
  readonly #node: NodeId;
  readonly #maxRooms: number;
  readonly #ledger: Ledger;
  readonly #subscriptions: Subscriptions;
  readonly #links: Links;
  readonly #hub: Hub;
  readonly #relay: Relay;
  readonly #journal: Journal;
  #creating = 0;

  /** @param maxRooms how many rooms may have their host on this node */
  constructor(
    node: NodeId,
    maxRooms: number,
    ledger: Ledger,
    subscriptions: Subscriptions,
    links: Links,
    hub: Hub,
    relay: Relay,
    journal: Journal,
  ) {
    this.#node = node;
    this.#maxRooms = maxRooms;
    this.#ledger = ledger;
    this.#subscriptions = subscriptions;
    this.#links = links;
    this.#hub = hub;
    this.#relay = relay;
    this.#journal = journal;
  }

  /** Opens a room under a fresh code. Rejects when the store or the backplane fails; nothing is left then. */
  async create(socket: Socket, name: string, maxPlayers: number): Promise<CreateOutcome> {
    if (this.#hub.hostCount + this.#creating >= this.#maxRooms) return { ok: false, why: 'tooManyRooms' };
    this.#creating += 1;
    try {
      return await this.#draw(socket, name, maxPlayers);
    } finally {
      this.#creating -= 1;
    }
  }

  /** Admits one player. Rejects when the store or the backplane fails; no seat is kept then. */
  async join(code: RoomCode, socket: Socket): Promise<JoinOutcome> {
    await this.#subscriptions.hear(code); // hear
    let result: JoinResult | undefined;
    try {
      result = await this.#ledger.join(code); // commit
    } finally {
      if (!result?.ok) this.#subscriptions.release(code);
    }
    if (!result.ok) return result;

    const room = socket.isOpen ? this.#roomOf(code, result) : undefined;
    if (!room) {
      this.#subscriptions.release(code);
      this.#ledger.leave(code, result.epoch, result.player);
      return { ok: false, why: socket.isOpen ? 'roomNotFound' : 'socketGone' };
    }
    const session = this.#hub.addPlayer(room, result.player, socket); // register
    if (room.host)
      this.onJoined(room.host, result.player, this.#node, session); // announce
    else this.#links.to(room, room.hostNode).append({ kind: 'joined', player: result.player });
    return { ok: true, session };
  }

  /** Ends a session whose socket is gone; call once for each. */
  leave(session: PlayerSession): void {
    const { room, player } = session;
    if (this.#hub.removePlayer(session)) {
      if (room.host) this.onLeft(room.host, player);
      else this.#links.to(room, room.hostNode).append({ kind: 'left', player });
      if (!room.host && room.players.size === 0) this.#links.retire(room);
      this.#ledger.leave(room.code, room.epoch, player);
    }
    this.#subscriptions.release(room.code);
  }

  /** A player is in the room, here or on another node: what it sends from now on may be relayed. */
  onJoined(host: HostSession, player: PlayerId, node: NodeId, session: PlayerSession | undefined): void {
    const fresh = { isClosing: false, lastListing: 0, backlogPeriod: host.backlogPeriod, periodBytes: 0 };
    host.members.set(player, { player, node, session, ...fresh });
    if (player >= host.nextPlayer) host.nextPlayer = player + 1;
    if (!session) this.#links.to(host.room, node).append({ kind: 'known', player });
    this.#relay.toHostEvent(host, { cmd: 'player_joined', player });
    this.#relay.state(host);
  }

  /** The host of a player here has been told of it. */
  onKnown(room: Room, player: PlayerId): void {
    const session = room.players.get(player);
    if (session) session.isKnown = true;
  }

  /** A player is gone. Of several calls the first one counts. */
  onLeft(host: HostSession, player: PlayerId): void {
    const member = host.members.get(player);
    if (!member) return;
    this.#announceLeft(host, player);
    if (!member.session && !hasMemberOn(host, member.node)) this.#links.release(host.room, member.node);
  }

  /** Closes one player; its leaving is announced when its socket is gone. */
  closePlayer(host: HostSession, member: Member, why: CloseName): void {
    member.isClosing = true;
    if (member.session) this.closePlayerHere(host.room, member.player, why);
    else this.#links.to(host.room, member.node).append({ kind: 'closePlayer', player: member.player, why });
  }

  /** Closes a player whose socket is here, because its host's node says so. */
  closePlayerHere(room: Room, player: PlayerId, why: CloseName): void {
    const socket = room.players.get(player)?.socket;
    if (!socket) return;
    this.#journal.offended(why, socket.address);
    socket.close(CLOSE[why]);
  }

  /** As `Ledger.lock`. */
  async lock(host: HostSession): Promise<void> {
    host.isLocked = true;
    await this.#ledger.lock(host.room.code, host.room.epoch);
  }

  /** Ends the room of a host here, and closes its players. Does nothing to a room that is over. */
  close(host: HostSession, why: CloseName): void {
    const { room } = host;
    if (room.host !== host) return;
    for (const link of room.links.values()) link.append({ kind: 'closeRoom', why });
    this.#journal.roomClosed(room.code, why, host.members.size);
    this.closeHere(room, why);
    this.#subscriptions.releaseLater(room.code);
    this.#ledger.close(room.code, room.epoch);
  }

  /** Ends a room that its host did not end: the host is told `stop`, and closed like its players. */
  end(host: HostSession, why: CloseName): void {
    this.#relay.toHostEvent(host, { cmd: 'stop' });
    host.socket.close(CLOSE[why]);
    this.close(host, why);
  }

  /** A node is gone: its players have left this room, or took the room with them. */
  onNodeGone(room: Room, node: NodeId): void {
    this.#links.cut(room, node);
    const { host } = room;
    if (host) {
      for (const member of host.members.values()) if (member.node === node) this.onLeft(host, member.player);
    } else if (room.hostNode === node) {
      this.closeHere(room, 'hostGone');
    }
  }

  /** The room is over, or out of reach: closes those of its players that are here. */
  closeHere(room: Room, why: CloseName): void {
    for (const session of this.#hub.removeRoom(room)) session.socket.close(CLOSE[why]);
    this.#links.retire(room);
  }

  /** The way to another node has lost something: who would have a hole is closed, on either side by its own node. */
  onLinkLost(room: Room, node: NodeId): void {
    this.#journal.linkLost(room.code, node);
    const { host } = room;
    if (!host) {
      for (const session of room.players.values()) session.socket.close(CLOSE.linkLost);
      return;
    }
    for (const member of host.members.values()) {
      if (member.node !== node || member.session) continue;
      this.#announceLeft(host, member.player);
      this.#ledger.leave(room.code, room.epoch, member.player);
    }
    this.#links.release(room, node);
  }

  /** Another node believes in a room whose code now is a room's of this node. */
  tellThatOver(code: RoomCode, epoch: Epoch, node: NodeId, why: CloseName): void {
    this.#links.once(code, epoch, node, { kind: 'closeRoom', why });
  }

  async #draw(socket: Socket, name: string, maxPlayers: number): Promise<CreateOutcome> {
    let moving = 0;
    for (let draw = 0; draw < CODE_DRAWS; draw += 1) {
      const code = roomCodeOf(randomInt(ROOM_CODES));
      // A store that has lost its rooms may call a code free that is in use here.
      if (this.#hub.room(code)?.host) continue;
      try {
        const host = await this.#claim(code, socket, name, maxPlayers);
        if (host) return { ok: true, host };
      } catch (error) {
        if (!(error instanceof RoomMoving) || (moving += 1) === MOVING_DRAWS) throw error;
      }
    }
    return { ok: false, why: 'noFreeCode' };
  }

  async #claim(
    code: RoomCode,
    socket: Socket,
    name: string,
    maxPlayers: number,
  ): Promise<HostSession | undefined> {
    const epoch = drawEpoch();
    await this.#subscriptions.hear(code);
    let openedAtMs: number | undefined;
    try {
      openedAtMs = await this.#ledger.create({ code, epoch, name, maxPlayers, hostNode: this.#node });
    } finally {
      if (openedAtMs === undefined) this.#subscriptions.release(code);
    }
    if (openedAtMs === undefined) return undefined;
    this.#replaceOlder(code, epoch);
    this.#journal.roomOpened(code, maxPlayers);
    return this.#hub.addHost(this.#hub.open(code, epoch, this.#node), socket, name, maxPlayers, openedAtMs);
  }

  /** What this node holds of the room just joined; `undefined` when the room ended meanwhile. */
  #roomOf(code: RoomCode, joined: JoinResult & { ok: true }): Room | undefined {
    const { epoch, hostNode } = joined;
    const known = this.#hub.room(code);
    // Of two rooms with one code the younger ends (see `Upkeep`); until then nobody joins it past the older one.
    if (known?.host && known.epoch !== epoch) return undefined;
    if (hostNode === this.#node) {
      return known?.host ? known : undefined;
    }
    this.#replaceOlder(code, epoch);
    return this.#hub.open(code, epoch, hostNode);
  }

  /** A code in use again means that its last room is over, though its end has not been heard here yet. */
  #replaceOlder(code: RoomCode, epoch: number): void {
    const older = this.#hub.room(code);
    if (older && older.epoch !== epoch) this.closeHere(older, 'hostGone');
  }

  #announceLeft(host: HostSession, player: PlayerId): void {
    host.members.delete(player);
    this.#relay.toHostEvent(host, { cmd: 'player_left', player });
    this.#relay.state(host);
  }
}

function hasMemberOn(host: HostSession, node: NodeId): boolean {
  for (const member of host.members.values()) if (member.node === node) return true;
  return false;
}
