/**
 * What a node writes about rooms and refusals: a line each while there are few, sums when there are many. Only
 * names of ours and room codes are written, never what a peer sent.
 */
import { type CloseName, type RoomCode } from '@wmbp/protocol';
import { type Log } from './log.ts';
import { countIn, type Metrics } from './metrics.ts';

const LINES_PER_SECOND = 10;

export class Journal {
  readonly #log: Log;
  readonly #metrics: Metrics;
  #lines = 0;
  #opened = 0;
  #closed = 0;
  #lost = 0;
  #turnedAway = new Map<string, number>();

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  roomOpened(room: RoomCode, maxPlayers: number): void {
    this.#metrics.roomsOpened += 1;
    if (this.#mayWrite()) this.#log.info({ room, maxPlayers }, 'room opened');
    else this.#opened += 1;
  }

  roomClosed(room: RoomCode, why: CloseName, players: number): void {
    if (this.#mayWrite()) this.#log.info({ room, why, players }, 'room closed');
    else this.#closed += 1;
  }

  /** A link was given up, with the peers concerned. */
  linkLost(room: RoomCode, node: number): void {
    if (this.#mayWrite()) this.#log.warn({ room, node }, 'link lost');
    else this.#lost += 1;
  }

  /** A peer was not let in. */
  refused(why: CloseName): void {
    countIn(this.#metrics.refusals, why);
    countIn(this.#turnedAway, why);
  }

  /** A peer that was in was sent away by the gateway itself. */
  expelled(why: CloseName): void {
    countIn(this.#metrics.expulsions, why);
    countIn(this.#turnedAway, why);
  }

  /** Writes the sums; call once a second. */
  tick(): void {
    if (this.#opened + this.#closed > 0) {
      this.#log.info({ opened: this.#opened, closed: this.#closed }, 'more rooms opened and closed');
    }
    if (this.#lost > 0) this.#log.warn({ lost: this.#lost }, 'more links lost');
    if (this.#turnedAway.size > 0) {
      this.#log.info(Object.fromEntries(this.#turnedAway), 'peers turned away');
      this.#turnedAway = new Map();
    }
    this.#lines = 0;
    this.#opened = 0;
    this.#closed = 0;
    this.#lost = 0;
  }

  #mayWrite(): boolean {
    this.#lines += 1;
    return this.#lines <= LINES_PER_SECOND;
  }
}
