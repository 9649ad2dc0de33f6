/**
 * What a node writes about rooms and refusals: a line each while there are few, sums when there are many. Only
 * names of ours, room codes and addresses (see `Offenders`) are written, never what a peer sent.
 */
import { type CloseName, type RoomCode } from '@wmbp/protocol';
import { type Log } from './log.ts';
import { countIn, type Metrics } from './metrics.ts';
import { type Offenders } from './offenders.ts';

const LINES_PER_SECOND = 10;
/** In ticks, of a second. */
const ADDRESSES_EVERY = 10;
const UNREAD_EVERY = 60;

export class Journal {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #offenders: Offenders;
  #ticks = 0;
  #unread = 0;
  #readBefore = 0;
  #lines = 0;
  #opened = 0;
  #closed = 0;
  #lost = 0;
  #turnedAway = new Map<string, number>();

  constructor(log: Log, metrics: Metrics, offenders: Offenders) {
    this.#log = log;
    this.#metrics = metrics;
    this.#offenders = offenders;
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

  /** A peer was not let in. @param address as `Socket.address` */
  refused(why: CloseName, address: string): void {
    countIn(this.#metrics.refusals, why);
    countIn(this.#turnedAway, why);
    this.offended(why, address);
  }

  /** A peer that was in was sent away by the gateway itself. @param address where it is known */
  expelled(why: CloseName, address?: string): void {
    countIn(this.#metrics.expulsions, why);
    countIn(this.#turnedAway, why);
    if (address !== undefined) this.offended(why, address);
  }

  /** The address behind what is counted elsewhere. */
  offended(why: CloseName, address: string): void {
    this.#offenders.note(why, address);
  }

  /** Where a balancer is configured, a connection ended without a request that could be read. */
  unread(): void {
    this.#metrics.proxyHeaders.unread += 1;
    this.#unread += 1;
  }

  /** Writes the sums; call once a second. @param isLast there is no other */
  tick(isLast = false): void {
    this.#ticks += 1;
    if (isLast || this.#ticks % ADDRESSES_EVERY === 0) this.#offenders.write();
    if (this.#ticks % UNREAD_EVERY === 0) this.#writeUnread();
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

  /** Not while anybody comes through: then these were people who only connected. */
  #writeUnread(): void {
    const { believed, missing } = this.#metrics.proxyHeaders;
    const hasRead = believed + missing > this.#readBefore;
    if (this.#unread > 0 && !hasRead)
      this.#log.warn({ connections: this.#unread }, 'nothing that a balancer sends can be read');
    this.#unread = 0;
    this.#readBefore = believed + missing;
  }

  #mayWrite(): boolean {
    this.#lines += 1;
    return this.#lines <= LINES_PER_SECOND;
  }
}
