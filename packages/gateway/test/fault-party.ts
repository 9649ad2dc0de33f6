/**
 * Games on several gateways in which everybody says numbers to everybody, while something is broken: what arrives
 * must be exact, whatever happened; or its socket was closed, and what came before that is exact.
 */
import { expect } from '@jest/globals';
import { type TestHost } from '@wmbp/testkit';
import {
  delaysOf,
  figuresOf,
  print,
  readCounters,
  readSeries,
  shown,
  type Delays,
  type Figures,
} from './fault-figures.ts';
import { Tally } from './fault-lines.ts';
import { PartyRoom } from './fault-room.ts';
import { eventually, type Processes } from './processes.ts';

export interface PartySize {
  readonly rooms: number;
  readonly players: number;
  /** Everybody says something in this time, once. */
  readonly everyMs: number;
  readonly frameBytes: number;
}

const SIZE: PartySize = { rooms: 20, players: 6, everyMs: 100, frameBytes: 60 };
const TICK_MS = 20;
/** How far from their host's node players sit: one beside it, five elsewhere. */
const PLACES = [1, 2, 1, 2, 1, 0] as const;
/** A Redis that has lost everything is told again by then. */
const JOINED_MS = 40_000;
/** Links give up after 60 s, nodes take each other for dead after 25 s: everything is decided by then. */
const SETTLED_MS = 90_000;

/** `WMBP_FAULTS=full` plays each fault for as long as it is meant to last, not just for some seconds. */
export const IS_FULL = process.env['WMBP_FAULTS'] === 'full';

export class FaultParty {
  readonly nodes: Processes;
  readonly #size: PartySize;
  readonly #rooms: PartyRoom[] = [];
  readonly #timer: NodeJS.Timeout;
  #tally = new Tally();
  #isTalking = false;
  #ticks = 0;
  #newcomers = 0;
  #isOver = false;

  private constructor(nodes: Processes, size: PartySize) {
    this.nodes = nodes;
    this.#size = size;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Plays a party on these gateways from the first guest to the last; whatever came of it, nobody talks afterwards. */
  static async on(
    nodes: Processes,
    play: (party: FaultParty) => Promise<void>,
    size: Partial<PartySize> = {},
  ): Promise<void> {
    const party = new FaultParty(nodes, { ...SIZE, ...size });
    try {
      await party.fill();
      await play(party);
      await party.#end();
    } finally {
      party.#isOver = true;
      clearInterval(party.#timer);
    }
  }

  /** Whoever was closed comes back, as another one. */
  async fill(): Promise<void> {
    const { rooms, players } = this.#size;
    for (let i = 0; i < rooms; i += 1) {
      if (!this.#rooms[i] || this.#rooms[i]?.isClosed) this.#rooms[i] = await this.#open(i);
    }
    this.#isTalking = true;
    await Promise.all(
      this.#rooms.map(async (room) => {
        room.forgetClosed();
        for (const place of room.freePlaces(players))
          await this.#seat(room, place, PLACES[place % PLACES.length] ?? 0);
      }),
    );
    await this.#flows();
    await this.#settle();
  }

  /** The codes of all rooms. */
  get codes(): readonly string[] {
    return this.#rooms.map(({ code }) => code);
  }

  /** Each game gets one more player. */
  async grow(deadlineMs: number): Promise<void> {
    const place = this.#size.players + this.#newcomers;
    this.#newcomers += 1;
    await Promise.all(this.#rooms.map((room) => this.#seat(room, place, this.#newcomers, deadlineMs)));
  }

  /** Whoever came last to each game goes home. */
  shrink(): void {
    const place = this.#size.players + this.#newcomers - 1;
    for (const room of this.#rooms) room.leave(place);
  }

  /** Everybody talks; then, while they talk, something breaks, and is mended; then everything must have arrived. */
  async through(fault: string, breakAndMend: () => Promise<void>): Promise<Figures> {
    this.#tally = new Tally();
    const before = await readCounters(this.nodes.servers);
    this.#isTalking = true;
    await this.#flows();
    await breakAndMend();
    await this.#flows();
    await this.#settle();
    const after = await readCounters(this.nodes.servers);
    const figures = figuresOf(this.#tally, this.#missing(), before, after);
    print(fault, shown(figures));
    expect(this.#tally.violations).toEqual([]);
    expect(figures).toMatchObject({ lost: 0, doubled: 0, swapped: 0 });
    expect(this.nodes.failures).toEqual([]);
    return figures;
  }

  /** Of frames that arrived while `work` was done: those that stay on their node. */
  async delaysHere(work: () => Promise<void>): Promise<Delays> {
    const { here } = this.#tally.delaysMs;
    const before = here.length;
    await work();
    return delaysOf(here.slice(before));
  }

  async #open(index: number): Promise<PartyRoom> {
    const node = index % this.nodes.servers.length;
    let opened: { host: TestHost; code: string } | undefined;
    const isOpen = async (): Promise<boolean> => {
      opened = await this.nodes.room(node, 255).catch(() => undefined);
      return opened !== undefined;
    };
    await eventually('a room', isOpen, JOINED_MS);
    if (!opened) throw new Error('no room was opened');
    return new PartyRoom(index, node, opened.code, opened.host, () => this.#tally);
  }

  /**
   * A player tries until it is let in, and its host has heard it.
   * @param away how many nodes from its host's
   */
  async #seat(room: PartyRoom, place: number, away: number, deadlineMs = JOINED_MS): Promise<void> {
    const node = (room.index + away) % this.nodes.servers.length;
    let guest = room.seat(place, await this.nodes.player(node, room.code), node);
    const isHeard = async (): Promise<boolean> => {
      if (guest.isClosed && !room.isClosed && !this.#isOver) {
        guest = room.seat(place, await this.nodes.player(node, room.code), node);
      }
      return guest.seat !== undefined || room.isClosed;
    };
    await eventually(`a newcomer in ${room.code}`, isHeard, deadlineMs);
  }

  /** Resolves when everybody who is still open has heard something that was said after the call. */
  async #flows(): Promise<void> {
    const marks = this.#rooms.flatMap((room) => room.marks());
    await eventually(
      'everybody to be heard',
      () => Promise.resolve(marks.every((isPassed) => isPassed())),
      SETTLED_MS,
    );
  }

  /** Nobody says anything more, and everything arrives. */
  async #settle(): Promise<void> {
    this.#isTalking = false;
    const unsettled = (): string[] => this.#rooms.flatMap((room) => room.unsettled());
    await eventually('all frames', () => Promise.resolve(unsettled().length === 0), SETTLED_MS).catch(
      (error: unknown) => {
        const violations = this.#tally.violations.slice(0, 20);
        const text = [...unsettled().slice(0, 20), ...violations].join('; ');
        throw new Error(`${String(error)}: ${text}`, { cause: error });
      },
    );
  }

  /** The games are over: nobody is left, and nothing is kept. */
  async #end(): Promise<void> {
    for (const { host } of this.#rooms)
      if (host.socket.readyState === host.socket.OPEN) host.command({ cmd: 'stop' });
    const isOver = (): Promise<boolean> => Promise.resolve(this.#rooms.every(({ isEmpty }) => isEmpty));
    await eventually('everybody to be sent home', isOver, SETTLED_MS);
    const left = { wmbp_rooms: 0, wmbp_players: 0, wmbp_links: 0, wmbp_link_kept_bytes: 0 };
    let kept: Record<string, number | undefined>[] = [];
    const isFree = async (): Promise<boolean> => {
      const all = await Promise.all(this.nodes.servers.map((server) => readSeries(server)));
      kept = all.map((series) =>
        Object.fromEntries(Object.keys(left).map((name) => [name, series.get(name)])),
      );
      return kept.every((each) => Object.values(each).every((value) => value === 0));
    };
    await eventually('links to end', isFree, SETTLED_MS).catch(() => undefined);
    expect(kept).toEqual(this.nodes.servers.map(() => left));
  }

  #missing(): { lost: number; cut: number } {
    const sum = { lost: 0, cut: 0 };
    for (const room of this.#rooms) room.addMissing(sum);
    return sum;
  }

  #tick(): void {
    if (!this.#isTalking) return;
    const { everyMs, frameBytes } = this.#size;
    const ticks = Math.max(1, Math.round(everyMs / TICK_MS));
    this.#ticks += 1;
    const turn = this.#ticks % ticks;
    const padding = '.'.repeat(frameBytes);
    for (const room of this.#rooms) room.say(turn, ticks, padding);
  }
}
