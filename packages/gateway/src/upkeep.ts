/**
 * Who is alive, and what is true: this node's lease, the leases of nodes it shares rooms with, and the agreement
 * between this node and the store. The node that holds a socket is the truth about it; the store is a leased copy.
 */
import { type RoomCode } from '@wmbp/protocol';
import { type Doubts } from './doubts.ts';
import { type Hub } from './hub.ts';
import { type Ledger } from './ledger.ts';
import { LEASE_MS, type Leases, type Renewal } from './leases.ts';
import { type Log } from './log.ts';
import { type Metrics } from './metrics.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type Neighbours } from './neighbours.ts';
import { type RoomStore } from './room-store.ts';
import { type Rooms } from './rooms.ts';
import { type HostSession, type Room } from './session.ts';
import { RoomMoving, Unavailable } from './unavailable.ts';

/** A dead node's lease runs out within 15 s, is missed twice, 4 s apart: everybody knows within 25 s. */
export const TICK_MS = 4000;
/** Rooms live for 10 minutes without being kept. */
const KEEP_EVERY_MS = 180_000;
/** After an outage: long enough for every other node to say which rooms it has, before and after we do. */
const ROUNDS_AFTER_OUTAGE = 4;
const AT_ONCE = 64;
/** A restored room gives no id twice, though joins just before the loss are not known to the host's node. */
const SKIPPED_IDS = 64;

export class Upkeep {
  readonly #node: NodeId;
  readonly #leases: Leases;
  readonly #neighbours: Neighbours;
  readonly #store: RoomStore;
  readonly #ledger: Ledger;
  readonly #hub: Hub;
  readonly #rooms: Rooms;
  readonly #doubts: Doubts;
  readonly #metrics: Metrics;
  readonly #log: Log;
  #running: Promise<void> | undefined;
  #renewedAtMs: number | undefined;
  #generation = '';
  #isFailing = false;
  #mayRestore = true;
  #keptAtMs = 0;

  constructor(
    node: NodeId,
    leases: Leases,
    neighbours: Neighbours,
    store: RoomStore,
    ledger: Ledger,
    hub: Hub,
    rooms: Rooms,
    doubts: Doubts,
    metrics: Metrics,
    log: Log,
  ) {
    this.#node = node;
    this.#leases = leases;
    this.#neighbours = neighbours;
    this.#store = store;
    this.#ledger = ledger;
    this.#hub = hub;
    this.#rooms = rooms;
    this.#doubts = doubts;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Why this node should get no new peers; `undefined` when all is well. */
  get trouble(): string | undefined {
    return this.#isFailing || this.#renewedAtMs === undefined
      ? 'the lease of this node was not renewed'
      : undefined;
  }

  /** One round; call every `TICK_MS`, and when the store is back. Never rejects, never runs twice at once. */
  tick(nowMs: number): Promise<void> {
    this.#running ??= this.#tick(nowMs).finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** The store was out of reach, and is back: what was on its way may not have arrived. */
  onReturn(): void {
    if (this.#renewedAtMs !== undefined) this.#isFailing = true;
    void this.tick(performance.now());
  }

  async #tick(nowMs: number): Promise<void> {
    try {
      this.#onRenewal(await this.#leases.renew(), nowMs);
      await this.#settleDoubts();
      await this.#buryGone(nowMs);
      if (nowMs - this.#keptAtMs >= KEEP_EVERY_MS) await this.#keepRooms(nowMs);
    } catch (error) {
      this.#isFailing = true;
      if (!(error instanceof Unavailable)) this.#log.error({ error }, 'upkeep failed');
    }
  }

  #onRenewal(renewal: Renewal, nowMs: number): void {
    const before = this.#renewedAtMs;
    const isOtherGeneration = renewal.generation !== this.#generation;
    const wasTroubled = this.#isFailing || isOtherGeneration || !renewal.wasHeld;
    this.#renewedAtMs = nowMs;
    this.#generation = renewal.generation;
    this.#isFailing = false;
    if (before === undefined || !wasTroubled) return;

    // Others take a node for dead when its lease has run out. What is missing then was taken from it; unless all
    // of the store is new, or there was no time for that: then it was lost.
    this.#mayRestore = isOtherGeneration || nowMs - before < LEASE_MS;
    this.#neighbours.suspendJudgement(nowMs + LEASE_MS);
    let rooms = 0;
    for (const room of this.#hub.rooms) {
      this.#doubts.about(room.code, ROUNDS_AFTER_OUTAGE);
      rooms += 1;
    }
    this.#log.warn({ rooms, mayRestore: this.#mayRestore }, 'asserting rooms after an outage');
  }

  async #settleDoubts(): Promise<void> {
    const ended = this.#doubts.takeEnded();
    const doubtful = this.#doubts.takeRooms();
    await forEach(ended, ({ code, epoch }) => this.#assertEnd(code, epoch));
    await forEach(doubtful, ([code, roundsLeft]) => this.#assert(code, roundsLeft));
  }

  async #assertEnd(code: RoomCode, epoch: Epoch): Promise<void> {
    try {
      await this.#store.close(code, epoch);
    } catch (error) {
      this.#doubts.aboutEnd(code, epoch);
      if (!(error instanceof RoomMoving)) throw error;
    }
  }

  async #assert(code: RoomCode, roundsLeft: number): Promise<void> {
    if (this.#ledger.isJoining(code)) return this.#doubts.about(code, roundsLeft + 1);
    const room = this.#hub.room(code);
    this.#metrics.assertions += 1;
    try {
      if (room?.host) await this.#assertRoom(room.host);
      else await this.#assertPlayers(code, room, roundsLeft);
    } catch (error) {
      this.#doubts.about(code, roundsLeft + 1);
      if (!(error instanceof RoomMoving)) throw error;
    }
  }

  async #assertRoom(host: HostSession): Promise<void> {
    const { room, name, maxPlayers, openedAtMs, isLocked, members } = host;
    const { code, epoch } = room;
    const outcome = await this.#store.assertRoom(
      {
        code,
        epoch,
        name,
        maxPlayers,
        openedAtMs,
        isLocked,
        hostNode: this.#node,
        nextPlayer: host.nextPlayer + SKIPPED_IDS,
        members: [...members.values()].map(({ player, node }) => [player, node] as const),
      },
      this.#mayRestore,
    );
    if (outcome === 'restored') this.#metrics.restoredRooms += 1;
    if (typeof outcome === 'object') {
      this.#metrics.restoredRooms += 1;
      this.#rooms.tellThatOver(code, outcome.epoch, outcome.hostNode, 'roomLost');
      return;
    }
    if (outcome !== 'superseded' && outcome !== 'gone') return;
    if (room.host === host) this.#rooms.end(host, 'roomLost');
  }

  async #assertPlayers(code: RoomCode, room: Room | undefined, roundsLeft: number): Promise<void> {
    const players = room ? [...room.players.keys()] : [];
    const seatless = await this.#store.assertPlayers(code, room?.epoch, this.#node, players);
    if (!room) return;
    // What was lost the host's node restores, with these players; so there is time until the last round.
    if (this.#mayRestore && roundsLeft > 0) return;
    if (!seatless) return this.#rooms.closeHere(room, 'roomLost');
    for (const player of seatless) this.#rooms.closePlayerHere(room, player, 'seatLost');
  }

  async #buryGone(nowMs: number): Promise<void> {
    const nodes = [...this.#peerNodes()];
    this.#metrics.peerNodes = nodes.length;
    for (const node of await this.#neighbours.findGone(nodes, nowMs)) await this.#bury(node);
  }

  #peerNodes(): Set<NodeId> {
    const nodes = new Set<NodeId>();
    for (const room of this.#hub.rooms) {
      if (!room.host) nodes.add(room.hostNode);
      else for (const node of room.links.keys()) nodes.add(node);
    }
    return nodes;
  }

  /** A node is gone: its players have left, its rooms are over. Any node that notices may say so. */
  async #bury(node: NodeId): Promise<void> {
    this.#log.warn({ node }, 'a node is gone');
    await forEach([...this.#hub.rooms], (room) => this.#buryIn(room, node));
  }

  async #buryIn(room: Room, node: NodeId): Promise<void> {
    const { code, epoch } = room;
    if (this.#hub.room(code) !== room) return;
    if (room.host ? !room.links.has(node) : room.hostNode !== node) return;
    try {
      if (room.host) this.#metrics.reapedPlayers += (await this.#store.reap(code, epoch, node)).length;
      else await this.#store.close(code, epoch);
    } catch (error) {
      if (!(error instanceof RoomMoving)) throw error;
      if (room.host) this.#doubts.about(code);
      else this.#doubts.aboutEnd(code, epoch);
    }
    this.#rooms.onNodeGone(room, node);
  }

  async #keepRooms(nowMs: number): Promise<void> {
    this.#keptAtMs = nowMs;
    for (const room of this.#hub.rooms) if (room.host) await this.#store.keep(room.code);
  }
}

/**
 * For all of them, several at once: one that the store lets wait must not hold the others up, nor the next renewal of
 * this node's lease. After one that fails no more are begun.
 */
async function forEach<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  // Who leaves its loop by throwing ends the generator for all.
  const left = (function* () {
    yield* all;
  })();
  const workInTurn = async (): Promise<void> => {
    for (const each of left) await work(each);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workInTurn));
}
