/**
 * What this node writes into the store. An operation whose answer never came leaves a doubt, which upkeep settles
 * later; who waits for an answer is refused meanwhile.
 */
import { setTimeout } from 'node:timers/promises';
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Doubts } from './doubts.ts';
import { type Log } from './log.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type Neighbours } from './neighbours.ts';
import { type FoundRoom, type JoinResult, type NewRoom, type RoomStore } from './room-store.ts';
import { Unavailable } from './unavailable.ts';

/**
 * Whoever is back as soon as its socket has closed may ask before the node that held it has given its seat back: that
 * takes one round trip, or two where the store has lost its scripts. A full room is asked again after so long.
 */
const SEAT_COMES_BACK_MS = [50, 200] as const;

export class Ledger {
  readonly #node: NodeId;
  readonly #store: RoomStore;
  readonly #neighbours: Neighbours;
  readonly #doubts: Doubts;
  readonly #log: Log;
  readonly #joining = new Map<RoomCode, number>();

  constructor(node: NodeId, store: RoomStore, neighbours: Neighbours, doubts: Doubts, log: Log) {
    this.#node = node;
    this.#store = store;
    this.#neighbours = neighbours;
    this.#doubts = doubts;
    this.#log = log;
  }

  /** As `RoomStore.create`. */
  async create(room: NewRoom): Promise<number | undefined> {
    try {
      return await this.#store.create(room);
    } catch (error) {
      this.#doubts.aboutEnd(room.code, room.epoch);
      throw error;
    }
  }

  /** As `RoomStore.join`; the room of a host whose node is gone is not found. */
  async join(code: RoomCode): Promise<JoinResult> {
    this.#joining.set(code, (this.#joining.get(code) ?? 0) + 1);
    try {
      let result = await this.#store.join(code, this.#node);
      for (const waitMs of SEAT_COMES_BACK_MS) {
        if (!isFull(result)) break;
        await setTimeout(waitMs);
        result = await this.#store.join(code, this.#node);
      }
      if (isFull(result) && (await this.#freeSeats(code))) result = await this.#store.join(code, this.#node);
      if (!result.ok || (await this.#isHosted(code, result))) return result;
      return { ok: false, why: 'roomNotFound' };
    } catch (error) {
      this.#doubts.about(code);
      throw error;
    } finally {
      const others = (this.#joining.get(code) ?? 1) - 1;
      if (others === 0) this.#joining.delete(code);
      else this.#joining.set(code, others);
    }
  }

  /** Whether a seat of this room is being taken: the store may know more of them than the hub does. */
  isJoining(code: RoomCode): boolean {
    return this.#joining.has(code);
  }

  /** The name of the live room with this code, or `undefined`. */
  async find(code: RoomCode): Promise<string | undefined> {
    const room = await this.#store.find(code);
    return room && (await this.#isHosted(code, room)) ? room.name : undefined;
  }

  leave(code: RoomCode, epoch: Epoch, player: PlayerId): void {
    this.#store.leave(code, epoch, player).catch((error: unknown) => {
      this.#onFailure(error, code, 'giving a seat back failed');
    });
  }

  /** When this resolves nobody may join any more; but a store that is away hears of it when it is back. */
  async lock(code: RoomCode, epoch: Epoch): Promise<void> {
    try {
      await this.#store.lock(code, epoch);
    } catch (error) {
      this.#onFailure(error, code, 'locking a room failed');
    }
  }

  close(code: RoomCode, epoch: Epoch): void {
    this.#store.close(code, epoch).catch((error: unknown) => {
      this.#doubts.aboutEnd(code, epoch);
      this.#onFailure(error, code, 'closing a room failed');
    });
  }

  /**
   * A node that dies between taking a seat and announcing its player leaves a seat that no host's node knows of. It
   * is found by who wants it.
   */
  async #freeSeats(code: RoomCode): Promise<boolean> {
    const seated = await this.#store.seatedNodes(code);
    let isFreed = false;
    for (const node of seated?.nodes ?? []) {
      if (!seated || node === this.#node || !(await this.#neighbours.isGone(node, performance.now())))
        continue;
      isFreed = (await this.#store.reap(code, seated.epoch, node)).length > 0 || isFreed;
    }
    return isFreed;
  }

  /** The room of a host whose node died alone, with no player on another node to notice, ends here. */
  async #isHosted(code: RoomCode, room: Pick<FoundRoom, 'epoch' | 'hostNode'>): Promise<boolean> {
    if (room.hostNode === this.#node) return true;
    if (await this.#neighbours.isAlive(room.hostNode, performance.now())) return true;
    await this.#store.close(code, room.epoch);
    return false;
  }

  /** An outage is logged where it is noticed, once. */
  #onFailure(error: unknown, code: RoomCode, event: string): void {
    this.#doubts.about(code);
    if (!(error instanceof Unavailable)) this.#log.error({ error, room: code }, event);
  }
}

function isFull(result: JoinResult): boolean {
  return !result.ok && result.why === 'roomFull';
}
