/** One game of a fault party: what its host and its players say to each other, and see of each other. */
import { decodeHostEvent, type HostEvent, type PlayerId } from '@wmbp/protocol';
import { type Arrival, type TestHost, type TestPeer } from '@wmbp/testkit';
import { Line, type Tally } from './fault-lines.ts';

/** The close code of a guest that goes by itself. */
export const WENT_HOME = 1000;

/** What the host knows of a player. */
interface Seat {
  readonly down: Line;
  /** Known from its first frame on. */
  guest: Guest | undefined;
  hasLeft: boolean;
}

export interface Guest {
  readonly tag: string;
  /** In the game, from 0 on; one that comes again takes the place of the one that went. */
  readonly place: number;
  readonly node: number;
  readonly peer: TestPeer;
  readonly up: Line;
  /** What its host says to it, once the host knows who it is; until then it is kept. */
  seat: Seat | undefined;
  readonly early: number[];
  said: number;
  isClosed: boolean;
}

export class PartyRoom {
  readonly index: number;
  readonly code: string;
  readonly host: TestHost;
  readonly #tag: string;
  readonly #node: number;
  readonly #tally: () => Tally;
  readonly #seats = new Map<PlayerId, Seat>();
  #guests: Guest[] = [];
  #seated = 0;
  #said = 0;
  isClosed = false;

  /** @param tally the current one */
  constructor(index: number, node: number, code: string, host: TestHost, tally: () => Tally) {
    this.index = index;
    this.code = code;
    this.host = host;
    this.#tag = `room ${index} ${code}`;
    this.#node = node;
    this.#tally = tally;
    host.stream((arrival) => this.#onHostArrival(arrival));
  }

  get isEmpty(): boolean {
    return this.isClosed && this.#guests.every(({ isClosed }) => isClosed);
  }

  /** A player on its way in, at one of the game's places. */
  seat(place: number, peer: TestPeer, node: number): Readonly<Guest> {
    this.#seated += 1;
    const tag = `${this.#tag} guest ${this.#seated}`;
    const up = new Line(`${tag} to its host`, this.#tally);
    up.isHere = node === this.#node;
    const guest: Guest = {
      tag,
      place,
      node,
      peer,
      up,
      seat: undefined,
      early: [],
      said: 0,
      isClosed: false,
    };
    this.#guests.push(guest);
    peer.stream((arrival) => this.#onGuestArrival(guest, arrival));
    return guest;
  }

  /** Whoever is at this place goes. */
  leave(place: number): void {
    for (const guest of this.#guests) if (guest.place === place) guest.peer.close(WENT_HOME);
  }

  /** Those who were closed are not looked at any more. */
  forgetClosed(): void {
    this.#guests = this.#guests.filter(({ isClosed }) => !isClosed);
    for (const [player, { hasLeft }] of this.#seats) if (hasLeft) this.#seats.delete(player);
  }

  freePlaces(count: number): number[] {
    const taken = new Set(this.#guests.map(({ place }) => place));
    return Array.from({ length: count }, (_, place) => place).filter((place) => !taken.has(place));
  }

  /** Whose turn it is says a number: each peer once in so many turns. */
  say(turn: number, turns: number, padding: string): void {
    if ((this.index + turn) % turns === 0) this.#hostSays(padding);
    for (const guest of this.#guests) {
      if ((this.index + guest.place + 1 + turn) % turns === 0) guestSays(guest, padding);
    }
  }

  /** For each direction of each pair: whether it is over, or something was heard that is said from now on. */
  marks(): (() => boolean)[] {
    return this.#guests.flatMap((guest) => {
      const isOver = (): boolean => this.isClosed || guest.isClosed;
      const [up, down] = [guest.said, this.#said];
      const isUp = (): boolean => isOver() || guest.up.lastHeard >= up;
      const isDown = (): boolean => isOver() || (guest.seat?.down.lastHeard ?? -1) >= down;
      return [isUp, isDown];
    });
  }

  /** What is still to come: frames between those who are open, the close of those who lost each other. */
  unsettled(): string[] {
    const waiting: string[] = [];
    for (const { tag, up, seat, isClosed } of this.#guests) {
      if (this.isClosed) {
        if (!isClosed) waiting.push(`${tag} is open, its host is gone`);
      } else if (isClosed) {
        if (seat && !seat.hasLeft) waiting.push(`${tag} is gone, its host was not told`);
      } else if (!seat) {
        waiting.push(`${tag} was not heard`);
      } else {
        if (seat.hasLeft) waiting.push(`${tag} is open, and has left for its host`);
        if (up.missing > 0) waiting.push(`${tag}: its host lacks ${up.missing} from ${up.oldest} on`);
        const { missing, oldest } = seat.down;
        if (missing > 0) waiting.push(`${tag} lacks ${missing} from ${oldest} on`);
      }
    }
    for (const [player, { guest, hasLeft }] of this.#seats) {
      if (!this.isClosed && !guest && !hasLeft) waiting.push(`${this.#tag}: player ${player} is nobody here`);
    }
    return waiting;
  }

  addMissing(sum: { lost: number; cut: number }): void {
    for (const { up, seat, isClosed } of this.#guests) {
      const field = this.isClosed || isClosed ? 'cut' : 'lost';
      sum[field] += up.missing + (seat?.down.missing ?? 0);
    }
  }

  /** To everybody, to one, to several, in turn. */
  #hostSays(padding: string): void {
    if (this.isClosed || this.host.socket.readyState !== this.host.socket.OPEN) return;
    const number = this.#said;
    this.#said += 1;
    const present = [...this.#seats].filter(([, { hasLeft }]) => !hasLeft);
    const from = number % Math.max(1, present.length);
    const some = number % 3 === 1 ? present.slice(from, from + 1) : present.slice(0, from);
    const addressed = number % 3 === 0 ? present : some;
    const to = number % 3 === 0 ? 'all' : some.map(([player]) => player);
    for (const [, { down }] of addressed) down.onSent(number);
    this.host.command({ cmd: 'to_str', to, data: Buffer.from(`${this.#tag}:${number}:${padding}`) });
  }

  #onHostArrival(arrival: Arrival): void {
    if ('frame' in arrival) return this.#onEvent(decodeHostEvent(arrival.frame.bytes));
    this.isClosed = true;
    this.#countClose(arrival.close.code);
  }

  #onEvent(event: HostEvent): void {
    switch (event.cmd) {
      case 'player_joined':
        if (this.#seats.has(event.player)) this.#violated(`player ${event.player} joined again`);
        this.#seats.set(event.player, {
          down: new Line(`${this.#tag} to player ${event.player}`, this.#tally, this.#said),
          guest: undefined,
          hasLeft: false,
        });
        return;
      case 'player_left': {
        const seat = this.#seats.get(event.player);
        if (!seat || seat.hasLeft) this.#violated(`player ${event.player} left, who was not there`);
        if (seat) seat.hasLeft = true;
        return;
      }
      case 'from_str':
        return this.#onFrom(event.from, event.data.toString());
      case 'state':
      case 'stop':
        return;
      case 'from':
      case 'prepare_reply':
      case 'error':
        this.#violated(`unexpected ${event.cmd}`);
    }
  }

  #onFrom(player: PlayerId, text: string): void {
    const [tag = '', number] = text.split(':');
    const seat = this.#seats.get(player);
    if (!seat || seat.hasLeft) return this.#violated(`a frame of player ${player}, who is not there`);
    seat.guest ??= this.#recognise(tag, seat);
    if (seat.guest?.tag !== tag) return this.#violated(`player ${player} speaks as ${tag}`);
    seat.guest.up.onHeard(Number(number));
  }

  #recognise(tag: string, seat: Seat): Guest | undefined {
    const guest = this.#guests.find((each) => each.tag === tag);
    if (!guest) return undefined;
    guest.seat = seat;
    seat.down.isHere = guest.node === this.#node;
    for (const number of guest.early.splice(0)) seat.down.onHeard(number);
    return guest;
  }

  #onGuestArrival(guest: Guest, arrival: Arrival): void {
    if ('close' in arrival) {
      guest.isClosed = true;
      if (guest.seat) this.#countClose(arrival.close.code);
      return;
    }
    const [tag, text] = Buffer.from(arrival.frame.bytes).toString().split(':');
    const number = Number(text);
    if (tag !== this.#tag) this.#violated(`${guest.tag} heard ${tag}`);
    else if (guest.seat) guest.seat.down.onHeard(number);
    else guest.early.push(number);
  }

  #countClose(code: number): void {
    const { closes } = this.#tally();
    closes.set(code, (closes.get(code) ?? 0) + 1);
  }

  #violated(what: string): void {
    this.#tally().violations.push(`${this.#tag}: ${what}`);
  }
}

function guestSays(guest: Guest, padding: string): void {
  if (guest.isClosed || guest.peer.socket.readyState !== guest.peer.socket.OPEN) return;
  guest.up.onSent(guest.said);
  guest.peer.send(`${guest.tag}:${guest.said}:${padding}`);
  guest.said += 1;
}
