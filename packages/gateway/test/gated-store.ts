/** A store whose answers wait for the test, so that what happens meanwhile can be arranged. */
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { MemoryRoomStore } from '../src/memory/room-store.ts';
import { type Epoch, type NodeId } from '../src/names.ts';
import {
  type AssertedRoom,
  type FoundRoom,
  type JoinResult,
  type NewRoom,
  type RoomAssertion,
  type RoomStore,
  type SeatedNodes,
} from '../src/room-store.ts';

/** Operations take effect at once; while the gate is shut their answers are kept. */
export class GatedStore implements RoomStore {
  #store: RoomStore = new MemoryRoomStore();
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;

  /** Stands before this store, instead of one of its own. */
  around(store: RoomStore): this {
    this.#store = store;
    return this;
  }

  shut(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#open();
  }

  create(room: NewRoom): Promise<number | undefined> {
    return this.#answer(this.#store.create(room));
  }

  join(code: RoomCode, node: NodeId): Promise<JoinResult> {
    return this.#answer(this.#store.join(code, node));
  }

  leave(code: RoomCode, epoch: Epoch, player: PlayerId): Promise<boolean> {
    return this.#answer(this.#store.leave(code, epoch, player));
  }

  lock(code: RoomCode, epoch: Epoch): Promise<boolean> {
    return this.#answer(this.#store.lock(code, epoch));
  }

  close(code: RoomCode, epoch: Epoch): Promise<boolean> {
    return this.#answer(this.#store.close(code, epoch));
  }

  find(code: RoomCode): Promise<FoundRoom | undefined> {
    return this.#answer(this.#store.find(code));
  }

  seatedNodes(code: RoomCode): Promise<SeatedNodes | undefined> {
    return this.#answer(this.#store.seatedNodes(code));
  }

  reap(code: RoomCode, epoch: Epoch, node: NodeId): Promise<readonly PlayerId[]> {
    return this.#answer(this.#store.reap(code, epoch, node));
  }

  assertRoom(room: RoomAssertion, mayRestore: boolean): Promise<AssertedRoom> {
    return this.#answer(this.#store.assertRoom(room, mayRestore));
  }

  assertPlayers(
    code: RoomCode,
    epoch: Epoch | undefined,
    node: NodeId,
    players: Iterable<PlayerId>,
  ): Promise<readonly PlayerId[] | undefined> {
    return this.#answer(this.#store.assertPlayers(code, epoch, node, players));
  }

  keep(code: RoomCode): Promise<void> {
    return this.#answer(this.#store.keep(code));
  }

  async #answer<T>(result: Promise<T>): Promise<T> {
    await this.#gate;
    return await result;
  }
}
