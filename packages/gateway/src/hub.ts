/** The sessions on this node, by room. */
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Epoch, type NodeId } from './names.ts';
import { type HostSession, type PlayerSession, type Room } from './session.ts';
import { type Socket } from './socket.ts';

export class Hub {
  readonly #rooms = new Map<RoomCode, Room>();
  #hosts = 0;
  #players = 0;

  /** Rooms whose host is here. */
  get hostCount(): number {
    return this.#hosts;
  }

  get playerCount(): number {
    return this.#players;
  }

  get rooms(): Iterable<Room> {
    return this.#rooms.values();
  }

  room(code: RoomCode): Room | undefined {
    return this.#rooms.get(code);
  }

  /** The room of this code and epoch, made when this node has none; a room of another epoch is replaced. */
  open(code: RoomCode, epoch: Epoch, hostNode: NodeId): Room {
    const known = this.#rooms.get(code);
    if (known?.epoch === epoch) return known;
    const room: Room = {
      code,
      epoch,
      hostNode,
      sinceMs: performance.now(),
      host: undefined,
      players: new Map(),
      links: new Map(),
      cutStreams: new Map(),
    };
    this.#rooms.set(code, room);
    return room;
  }

  addHost(room: Room, socket: Socket, name: string, maxPlayers: number, openedAtMs: number): HostSession {
    const host: HostSession = {
      room,
      socket,
      name,
      maxPlayers,
      openedAtMs,
      isLocked: false,
      nextPlayer: 1,
      members: new Map(),
      backlogPeriod: 0,
      periodBytes: 0,
    };
    room.host = host;
    this.#hosts += 1;
    return host;
  }

  addPlayer(room: Room, player: PlayerId, socket: Socket): PlayerSession {
    const session: PlayerSession = { room, player, socket, isKnown: room.host !== undefined };
    room.players.set(player, session);
    this.#players += 1;
    return session;
  }

  /** False when the session was not here any more. The last to go takes the room along. */
  removePlayer(session: PlayerSession): boolean {
    const { room, player } = session;
    if (!room.players.delete(player)) return false;
    this.#players -= 1;
    if (!room.host && room.players.size === 0) this.#forget(room);
    return true;
  }

  /** Takes out the room with all its sessions, and returns the players' ones. */
  removeRoom(room: Room): readonly PlayerSession[] {
    const players = [...room.players.values()];
    if (room.host) this.#hosts -= 1;
    this.#players -= players.length;
    room.host = undefined;
    room.players.clear();
    this.#forget(room);
    return players;
  }

  #forget(room: Room): void {
    if (this.#rooms.get(room.code) === room) this.#rooms.delete(room.code);
  }
}
