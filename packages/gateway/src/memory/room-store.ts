/** Rooms of one process in a Map: all the truth there is when one node runs alone. */
import { playerId, type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Epoch, type NodeId } from '../names.ts';
import { type JoinResult, type NewRoom, type RoomStore } from '../room-store.ts';

interface StoredRoom extends NewRoom {
  readonly players: Set<PlayerId>;
  nextPlayer: number;
  isLocked: boolean;
}

export class MemoryRoomStore implements RoomStore {
  readonly #rooms = new Map<RoomCode, StoredRoom>();

  create(room: NewRoom): Promise<boolean> {
    if (this.#rooms.has(room.code)) return Promise.resolve(false);
    this.#rooms.set(room.code, { ...room, players: new Set(), nextPlayer: 1, isLocked: false });
    return Promise.resolve(true);
  }

  join(code: RoomCode, _node: NodeId): Promise<JoinResult> {
    return Promise.resolve(this.#join(code));
  }

  leave(code: RoomCode, epoch: Epoch, player: PlayerId): Promise<boolean> {
    return Promise.resolve(this.#room(code, epoch)?.players.delete(player) ?? false);
  }

  lock(code: RoomCode, epoch: Epoch): Promise<boolean> {
    const room = this.#room(code, epoch);
    if (room) room.isLocked = true;
    return Promise.resolve(room !== undefined);
  }

  close(code: RoomCode, epoch: Epoch): Promise<boolean> {
    return Promise.resolve(this.#room(code, epoch) !== undefined && this.#rooms.delete(code));
  }

  find(code: RoomCode): Promise<string | undefined> {
    return Promise.resolve(this.#rooms.get(code)?.name);
  }

  #join(code: RoomCode): JoinResult {
    const room = this.#rooms.get(code);
    if (!room) return { ok: false, why: 'roomNotFound' };
    if (room.isLocked) return { ok: false, why: 'roomStarted' };
    if (room.players.size >= room.maxPlayers) return { ok: false, why: 'roomFull' };
    const player = playerId(room.nextPlayer);
    room.nextPlayer += 1;
    room.players.add(player);
    return { ok: true, player, epoch: room.epoch, hostNode: room.hostNode };
  }

  #room(code: RoomCode, epoch: Epoch): StoredRoom | undefined {
    const room = this.#rooms.get(code);
    return room?.epoch === epoch ? room : undefined;
  }
}
