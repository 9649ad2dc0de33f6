/**
 * Where the store and this node may disagree: an operation's answer never came, or the store was away. What is
 * doubtful is asserted again until it is sure.
 */
import { type RoomCode } from '@wmbp/protocol';
import { type Epoch } from './names.ts';

/** An operation given up on may still be carried out after the first assertion, so there is a second. */
const ROUNDS = 2;
/** About 150 bytes each; the store forgets what is not kept alive, so even what is dropped here ends. */
const MAX_DOUBTS = 100_000;

export interface EndedRoom {
  readonly code: RoomCode;
  readonly epoch: Epoch;
}

export class Doubts {
  readonly #rooms = new Map<RoomCode, number>();
  readonly #ended = new Map<Epoch, { readonly room: EndedRoom; rounds: number }>();

  get size(): number {
    return this.#rooms.size + this.#ended.size;
  }

  /** Seats of this node in the room, or the room itself, may not be as this node knows them. */
  about(code: RoomCode, rounds: number = ROUNDS): void {
    if (this.#rooms.size < MAX_DOUBTS) this.#rooms.set(code, Math.max(rounds, this.#rooms.get(code) ?? 0));
  }

  /** The store may still have a room that is over. */
  aboutEnd(code: RoomCode, epoch: Epoch): void {
    if (this.#ended.size < MAX_DOUBTS) this.#ended.set(epoch, { room: { code, epoch }, rounds: ROUNDS });
  }

  /** One round: each doubtful room with how many rounds follow for it. */
  takeRooms(): readonly (readonly [RoomCode, number])[] {
    const round = [...this.#rooms].map(([code, rounds]) => [code, rounds - 1] as const);
    this.#rooms.clear();
    for (const [code, rounds] of round) if (rounds > 0) this.#rooms.set(code, rounds);
    return round;
  }

  takeEnded(): readonly EndedRoom[] {
    const round = [...this.#ended.values()];
    for (const doubt of round) {
      doubt.rounds -= 1;
      if (doubt.rounds === 0) this.#ended.delete(doubt.room.epoch);
    }
    return round.map(({ room }) => room);
  }
}
