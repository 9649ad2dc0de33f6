/** A game in which everybody talks in numbers, through a balancer: who misses one, or gets it twice, shows. */
import { decodeHostEvent } from '@wmbp/protocol';
import { TestHost, TestPeer, type ReceivedClose } from '@wmbp/testkit';
import { until } from './tools.ts';

const TALK_EVERY_MS = 50;
/** So many more numbers, in both directions, are playing on. */
const MORE = 10;

/** How many sockets each gateway has, by any name for it. */
export type Census = () => Promise<ReadonlyMap<string, number>>;

export interface Seat {
  readonly id: number;
  readonly gateway: string;
  readonly peer: TestPeer;
  close: ReceivedClose | undefined;
  /** The host's number that comes next here, and this player's that comes next at the host. */
  heard: number;
  heardByHost: number;
}

export class NumberedGame {
  readonly hostGateway: string;
  readonly seats: readonly Seat[];
  /** Ids of players, as the host was told. */
  readonly left: number[] = [];
  readonly holes: string[] = [];
  hostClose: ReceivedClose | undefined;
  readonly #host: TestHost;
  readonly #timer: NodeJS.Timeout;

  private constructor(host: TestHost, hostGateway: string, seats: readonly Seat[]) {
    this.#host = host;
    this.hostGateway = hostGateway;
    this.seats = seats;
    host.socket.on('message', (bytes: Buffer) => this.#onEvent(bytes));
    host.socket.on('close', (code, reason) => (this.hostClose = { code, reason: reason.toString() }));
    for (const seat of seats) {
      seat.peer.socket.on('message', (bytes: Buffer) => this.#onNumber(seat, Number(bytes.toString())));
      seat.peer.socket.on('close', (code, reason) => (seat.close = { code, reason: reason.toString() }));
    }
    let sent = 0;
    this.#timer = setInterval(() => {
      if (host.socket.readyState === host.socket.OPEN) {
        host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(String(sent)) });
      }
      for (const { peer } of seats) if (peer.socket.readyState === peer.socket.OPEN) peer.send(String(sent));
      sent += 1;
    }, TALK_EVERY_MS);
  }

  /** @param census tells where each peer landed: nobody else may come or go meanwhile */
  static async open(url: string, players: number, census: Census): Promise<NumberedGame> {
    let before = await census();
    const landed = async (): Promise<string> => {
      const now = await census();
      const [name, ...others] = [...now.keys()].filter((each) => now.get(each) !== before.get(each));
      if (name === undefined || others.length > 0) throw new Error('a peer landed on no gateway, or on many');
      before = now;
      return name;
    };
    const host = new TestHost(`${url}/CREATE`);
    await host.opened();
    const code = await host.prepare(players);
    const hostGateway = await landed();
    const seats: Seat[] = [];
    for (let i = 0; i < players; i += 1) {
      const peer = await new TestPeer(`${url}/${code}`).opened();
      const { player: id } = await host.expect('player_joined');
      await host.expect('state');
      seats.push({ id, gateway: await landed(), peer, close: undefined, heard: 0, heardByHost: 0 });
    }
    return new NumberedGame(host, hostGateway, seats);
  }

  seatsOn(gateway: string): Seat[] {
    return this.seats.filter((seat) => seat.gateway === gateway);
  }

  seatsElsewhere(gateway: string): Seat[] {
    return this.seats.filter((seat) => seat.gateway !== gateway);
  }

  /** Resolves when all of these and the host have heard more of each other. */
  async playsOn(seats: readonly Seat[] = this.seats): Promise<void> {
    const wanted = seats.map((seat) => [seat, seat.heard + MORE, seat.heardByHost + MORE] as const);
    await until('the game to go on', () =>
      Promise.resolve(
        wanted.every(([seat, heard, heardByHost]) => seat.heard >= heard && seat.heardByHost >= heardByHost),
      ),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#host.drop();
    for (const { peer } of this.seats) peer.drop();
  }

  #onEvent(bytes: Buffer): void {
    const event = decodeHostEvent(bytes);
    if (event.cmd === 'player_left') this.left.push(event.player);
    if (event.cmd !== 'from_str') return;
    const seat = this.seats.find(({ id }) => id === event.from);
    const number = Number(event.data);
    if (seat?.heardByHost !== number) {
      this.holes.push(`the host got ${number} of ${event.from} for ${seat?.heardByHost}`);
    }
    if (seat) seat.heardByHost = number + 1;
  }

  #onNumber(seat: Seat, number: number): void {
    if (number !== seat.heard) this.holes.push(`player ${seat.id} got ${number} for ${seat.heard}`);
    seat.heard = number + 1;
  }
}
