/** Rooms in Redis: one script for each step that must be atomic. */
import { randomBytes } from 'node:crypto';
import { playerId, type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Epoch, type NodeId } from '../names.ts';
import {
  type FoundRoom,
  type JoinResult,
  type NewRoom,
  type RoomAssertion,
  type AssertedRoom,
  type RoomStore,
  type SeatedNodes,
} from '../room-store.ts';
import { COMMAND_TIMEOUT_MS, REDIRECTED_MS, type RedisConnection } from './connect.ts';
import { joinKey, playersKey, roomKey } from './keys.ts';
import { isNobodys, isOnItsWay, untilPassed } from './redirections.ts';
import { Script } from './script.ts';

/** Renewed by the host's node every few minutes: a third of it at the latest. */
const ROOM_TTL_MS = 600_000;
/** A second run of a join comes within a reconnect or a redirection. */
const JOIN_TTL_MS = 10_000;
/** For a slot that is on its way: the last try ends as a command would that is not answered. */
const PATIENCE_MS = COMMAND_TIMEOUT_MS - REDIRECTED_MS;

const CREATE = new Script('create_room');
const JOIN = new Script('join_room');
const LEAVE = new Script('leave_room');
const LOCK = new Script('lock_room');
const CLOSE = new Script('close_room');
const REAP = new Script('reap_players');
const ASSERT_ROOM = new Script('assert_room');
const ASSERT_PLAYERS = new Script('assert_players');

export class RedisRoomStore implements RoomStore {
  readonly #connection: RedisConnection;
  readonly #onOperation: OnOperation;

  constructor(connection: RedisConnection, onOperation: OnOperation) {
    this.#connection = connection;
    this.#onOperation = onOperation;
  }

  async create(room: NewRoom): Promise<number | undefined> {
    const { code, epoch, name, maxPlayers, hostNode } = room;
    const args = [epoch, name, maxPlayers, hostNode, ROOM_TTL_MS];
    // A room that is moving is not waited for: another code lies elsewhere.
    const { word, values } = await this.#timed(
      'create',
      (client) => CREATE.run(client, keysOf(code), args),
      isNobodys,
    );
    switch (word) {
      case 'ok':
        return Number(values[0]);
      case 'taken':
        return undefined;
      default:
        throw CREATE.unexpected(word);
    }
  }

  async join(code: RoomCode, node: NodeId): Promise<JoinResult> {
    const keys = [...keysOf(code), joinKey(code, randomBytes(12).toString('hex'))];
    const { word, values } = await this.#runOn('join', JOIN, keys, [node, ROOM_TTL_MS, JOIN_TTL_MS]);
    switch (word) {
      case 'ok': {
        const [player, epoch, hostNode] = values.map(Number);
        return {
          ok: true,
          player: playerId(player ?? 0),
          epoch: epoch as Epoch,
          hostNode: hostNode as NodeId,
        };
      }
      case 'room_not_found':
        return { ok: false, why: 'roomNotFound' };
      case 'room_started':
        return { ok: false, why: 'roomStarted' };
      case 'room_full':
        return { ok: false, why: 'roomFull' };
      default:
        throw JOIN.unexpected(word);
    }
  }

  async leave(code: RoomCode, epoch: Epoch, player: PlayerId): Promise<boolean> {
    return (await this.#run('leave', LEAVE, code, [epoch, player])).word === 'left';
  }

  async lock(code: RoomCode, epoch: Epoch): Promise<boolean> {
    return (await this.#run('lock', LOCK, code, [epoch])).word === 'ok';
  }

  async close(code: RoomCode, epoch: Epoch): Promise<boolean> {
    return (await this.#run('close', CLOSE, code, [epoch])).word === 'ok';
  }

  async find(code: RoomCode): Promise<FoundRoom | undefined> {
    const [name, epoch, hostNode] = await this.#timed('find', (client) =>
      client.hmget(roomKey(code), 'name', 'epoch', 'host_node'),
    );
    if (!epoch) return undefined;
    return { name: name ?? '', epoch: Number(epoch) as Epoch, hostNode: Number(hostNode) as NodeId };
  }

  async seatedNodes(code: RoomCode): Promise<SeatedNodes | undefined> {
    const [epoch, nodes] = await this.#timed('seatedNodes', (client) =>
      Promise.all([client.hget(roomKey(code), 'epoch'), client.hvals(playersKey(code))]),
    );
    if (epoch === null) return undefined;
    return {
      epoch: Number(epoch) as Epoch,
      nodes: [...new Set(nodes.map((node) => Number(node) as NodeId))],
    };
  }

  async reap(code: RoomCode, epoch: Epoch, node: NodeId): Promise<readonly PlayerId[]> {
    const { values } = await this.#run('reap', REAP, code, [epoch, node]);
    return values.map((player) => playerId(Number(player)));
  }

  async assertRoom(room: RoomAssertion, mayRestore: boolean): Promise<AssertedRoom> {
    const members = [...room.members].flatMap(([player, node]) => [player, node]);
    const { word, values } = await this.#run('assertRoom', ASSERT_ROOM, room.code, [
      room.epoch,
      room.openedAtMs,
      mayRestore ? 1 : 0,
      room.name,
      room.maxPlayers,
      room.isLocked ? 1 : 0,
      room.hostNode,
      room.nextPlayer,
      ROOM_TTL_MS,
      ...members,
    ]);
    switch (word) {
      case 'kept':
      case 'restored':
      case 'superseded':
      case 'gone':
        return word;
      case 'displaced':
        return { epoch: Number(values[0]) as Epoch, hostNode: Number(values[1]) as NodeId };
      default:
        throw ASSERT_ROOM.unexpected(word);
    }
  }

  async assertPlayers(
    code: RoomCode,
    epoch: Epoch | undefined,
    node: NodeId,
    players: Iterable<PlayerId>,
  ): Promise<readonly PlayerId[] | undefined> {
    const { word, values } = await this.#run('assertPlayers', ASSERT_PLAYERS, code, [
      epoch ?? '',
      node,
      ...players,
    ]);
    return word === 'ok' ? values.map((player) => playerId(Number(player))) : undefined;
  }

  async keep(code: RoomCode): Promise<void> {
    await this.#timed('keep', (client) =>
      Promise.all(keysOf(code).map((key) => client.pexpire(key, ROOM_TTL_MS))),
    );
  }

  #run(operation: string, script: Script, code: RoomCode, args: readonly (string | number)[]) {
    return this.#runOn(operation, script, keysOf(code), args);
  }

  #runOn(operation: string, script: Script, keys: readonly string[], args: readonly (string | number)[]) {
    return this.#timed(operation, (client) => script.run(client, keys, args));
  }

  /** Whatever Redis or the way to it answers instead of a result, the store is unavailable. */
  async #timed<T>(
    operation: string,
    work: (client: RedisConnection['client']) => Promise<T>,
    mayPass = isOnItsWay,
  ): Promise<T> {
    const startedAtMs = performance.now();
    let isOk = false;
    try {
      await this.#connection.ready();
      const { client } = this.#connection;
      const result = await untilPassed(() => work(client), mayPass, PATIENCE_MS);
      isOk = true;
      return result;
    } catch (error) {
      throw this.#connection.asUnavailable(operation, error);
    } finally {
      this.#onOperation(operation, isOk, performance.now() - startedAtMs);
    }
  }
}

export type OnOperation = (operation: string, isOk: boolean, ms: number) => void;

function keysOf(code: RoomCode): string[] {
  return [roomKey(code), playersKey(code)];
}
