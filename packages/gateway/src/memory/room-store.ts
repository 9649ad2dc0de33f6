/** Rooms of one process in a Map: all the truth there is when one node runs alone. */
import { playerId, type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Epoch, type NodeId } from '../names.ts';
import {
  type AssertedRoom,
  type FoundRoom,
  type JoinResult,
  type NewRoom,
  type RoomAssertion,
  type RoomStore,
  type SeatedNodes,
} from '../room-store.ts';

interface StoredRoom extends NewRoom {
  readonly openedAtMs: number;
  readonly players: Map<PlayerId, NodeId>;
  nextPlayer: number;
  isLocked: boolean;
}

export class MemoryRoomStore implements RoomStore {
  readonly #rooms = new Map<RoomCode, StoredRoom>();

  create(room: NewRoom): Promise<number | undefined> {
    const known = this.#rooms.get(room.code);
    if (known) return Promise.resolve(known.epoch === room.epoch ? known.openedAtMs : undefined);
    const openedAtMs = Date.now();
    this.#rooms.set(room.code, { ...room, openedAtMs, players: new Map(), nextPlayer: 1, isLocked: false });
    return Promise.resolve(openedAtMs);
  }

  join(code: RoomCode, node: NodeId): Promise<JoinResult> {
    return Promise.resolve(this.#join(code, node));
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

  find(code: RoomCode): Promise<FoundRoom | undefined> {
    return Promise.resolve(this.#rooms.get(code));
  }

  reap(code: RoomCode, epoch: Epoch, node: NodeId): Promise<readonly PlayerId[]> {
    const room = this.#room(code, epoch);
    return Promise.resolve(room ? removeSeats(room, node, new Set()) : []);
  }

  seatedNodes(code: RoomCode): Promise<SeatedNodes | undefined> {
    const room = this.#rooms.get(code);
    return Promise.resolve(room && { epoch: room.epoch, nodes: [...new Set(room.players.values())] });
  }

  assertRoom(asserted: RoomAssertion, mayRestore: boolean): Promise<AssertedRoom> {
    const known = this.#rooms.get(asserted.code);
    if (known && known.epoch !== asserted.epoch && isOlder(known, asserted))
      return Promise.resolve('superseded');
    if (!known && !mayRestore) return Promise.resolve('gone');
    const kept = known?.epoch === asserted.epoch ? known : undefined;
    const { members, ...fields } = asserted;
    const players = kept?.players ?? new Map<PlayerId, NodeId>();
    const room = { ...fields, players, nextPlayer: Math.max(asserted.nextPlayer, kept?.nextPlayer ?? 0) };
    const held = new Set<PlayerId>();
    for (const [player, node] of members) {
      held.add(player);
      if (!players.has(player)) players.set(player, node);
    }
    removeSeats(room, asserted.hostNode, held);
    this.#rooms.set(asserted.code, room);
    if (known && !kept) return Promise.resolve({ epoch: known.epoch, hostNode: known.hostNode });
    return Promise.resolve(kept ? 'kept' : 'restored');
  }

  assertPlayers(
    code: RoomCode,
    epoch: Epoch | undefined,
    node: NodeId,
    players: Iterable<PlayerId>,
  ): Promise<readonly PlayerId[] | undefined> {
    const room = this.#rooms.get(code);
    if (!room || (epoch !== undefined && epoch !== room.epoch)) return Promise.resolve(undefined);
    const held = new Set(players);
    removeSeats(room, node, held);
    return Promise.resolve([...held].filter((player) => room.players.get(player) !== node));
  }

  keep(): Promise<void> {
    return Promise.resolve();
  }

  #join(code: RoomCode, node: NodeId): JoinResult {
    const room = this.#rooms.get(code);
    if (!room) return { ok: false, why: 'roomNotFound' };
    if (room.isLocked) return { ok: false, why: 'roomStarted' };
    if (room.players.size >= room.maxPlayers) return { ok: false, why: 'roomFull' };
    const player = playerId(room.nextPlayer);
    room.nextPlayer += 1;
    room.players.set(player, node);
    return { ok: true, player, epoch: room.epoch, hostNode: room.hostNode };
  }

  #room(code: RoomCode, epoch: Epoch): StoredRoom | undefined {
    const room = this.#rooms.get(code);
    return room?.epoch === epoch ? room : undefined;
  }
}

/** Of two rooms under one code the one that was opened first stays. */
function isOlder(room: StoredRoom, than: RoomAssertion): boolean {
  if (room.openedAtMs !== than.openedAtMs) return room.openedAtMs < than.openedAtMs;
  return room.epoch < than.epoch;
}

function removeSeats(room: StoredRoom, node: NodeId, held: ReadonlySet<PlayerId>): PlayerId[] {
  const removed: PlayerId[] = [];
  for (const [player, holder] of room.players) {
    if (holder !== node || held.has(player)) continue;
    room.players.delete(player);
    removed.push(player);
  }
  return removed;
}
