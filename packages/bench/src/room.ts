/** A room under load: a host and its players, with their sockets. */
import { encodeFrame, OPCODE, type OnFrame } from './frames.ts';
import { createPayload, readStream, STAMP_BYTES } from './payload.ts';
import { RawSocket } from './socket.ts';
import { decodeEvent, encodePrepare, readFrom, type From } from './wire.ts';

/** Fewer than the shortest accept queue of a subject (512). */
const JOINS_AT_ONCE = 64;

export interface Player {
  /** 0 until it has been introduced. */
  id: number;
  readonly socket: RawSocket;
}

export interface RoomHooks {
  /** A player's frame at the host. The same `from` is used for every call. */
  onFrom: (from: From, bytes: Buffer) => void;
  onUnexpected: (what: string) => void;
}

interface Waiter {
  readonly isDone: () => boolean;
  readonly resolve: () => void;
}

export class Room {
  readonly hooks: RoomHooks;
  readonly players: Player[] = [];
  readonly host: RawSocket;
  joined = 0;
  left = 0;
  #code = '';
  #hellos = 0;
  #isLoaded = false;
  #waiter: Waiter | undefined;
  readonly #playerPort: number;
  readonly #from: From = { player: 0, at: 0, length: 0 };

  /** @param ports the host connects to the first, the players to the last */
  constructor(ports: readonly number[], maxPlayers: number, hooks: RoomHooks) {
    this.hooks = hooks;
    const [hostPort = 0] = ports;
    this.#playerPort = ports.at(-1) ?? 0;
    const prepare = encodeFrame(OPCODE.binary, encodePrepare(maxPlayers));
    this.host = new RawSocket(hostPort, 'CREATE', this.#onHostFrame, () => this.host.write(prepare));
    this.host.onLost = (reason) => hooks.onUnexpected(`a host was lost: ${reason}`);
  }

  /** Resolves when every player has been announced to the host. */
  async fill(size: number): Promise<void> {
    await this.#until(() => this.#code !== '');
    while (this.players.length < size) {
      const count = Math.min(JOINS_AT_ONCE, size - this.players.length);
      for (let i = 0; i < count; i++) this.#addPlayer();
      await this.#until(() => this.joined === this.players.length);
    }
  }

  /** Learns which socket has which id: each player says hello with its place in the room. */
  async introduce(): Promise<void> {
    for (const [index, player] of this.players.entries()) {
      player.socket.write(encodeFrame(OPCODE.binary, createPayload(index, STAMP_BYTES)));
    }
    await this.#until(() => this.#hellos === this.players.length);
    this.#isLoaded = true;
  }

  /** Every player leaves; resolves when the host has been told of each. */
  async empty(): Promise<void> {
    await Promise.all(this.players.map((player) => player.socket.close()));
    await this.#until(() => this.left === this.players.length);
  }

  async close(): Promise<void> {
    for (const { socket } of this.players) socket.onLost = () => {};
    await this.host.close();
  }

  #addPlayer(): void {
    const socket = new RawSocket(this.#playerPort, this.#code, this.#onPlayerFrame, () => {});
    socket.onLost = (reason) => this.hooks.onUnexpected(`a player was lost: ${reason}`);
    this.players.push({ id: 0, socket });
  }

  readonly #onPlayerFrame: OnFrame = () =>
    this.hooks.onUnexpected('a player was sent what the host did not send');

  readonly #onHostFrame: OnFrame = (_opcode, bytes, start, end) => {
    if (!readFrom(bytes, start, end, this.#from)) this.#onEvent(bytes, start);
    else if (this.#isLoaded) this.hooks.onFrom(this.#from, bytes);
    else this.#onHello(this.#from, bytes);
    if (this.#waiter?.isDone()) {
      this.#waiter.resolve();
      this.#waiter = undefined;
    }
  };

  #onHello(from: From, bytes: Buffer): void {
    const player = this.players[readStream(bytes, from.at + 1, 2)];
    if (!player || player.id !== 0) this.hooks.onUnexpected('a hello was damaged or doubled');
    else player.id = from.player;
    this.#hellos += 1;
  }

  #onEvent(bytes: Buffer, start: number): void {
    const event = decodeEvent(bytes, start);
    const key = event['key'];
    if (event['cmd'] === 'prepare_reply' && typeof key === 'string') this.#code = key;
    else if (event['cmd'] === 'player_joined') this.joined += 1;
    else if (event['cmd'] === 'player_left') this.left += 1;
    else if (event['cmd'] !== 'state') this.hooks.onUnexpected(`the host was told ${JSON.stringify(event)}`);
  }

  #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => (this.#waiter = { isDone, resolve }));
  }
}
