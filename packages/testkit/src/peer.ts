/** A peer for tests: one WebSocket whose frames are taken one by one, each with a deadline. */
import { decodeHostEvent, encodeHostCommand, type HostCommand, type HostEvent } from '@wmbp/protocol';
import { WebSocket, type ClientOptions } from 'ws';
import { within } from './deadline.ts';

export interface ReceivedFrame {
  readonly bytes: Uint8Array;
  readonly isBinary: boolean;
}

export interface ReceivedClose {
  readonly code: number;
  readonly reason: string;
}

export type Arrival = { readonly frame: ReceivedFrame } | { readonly close: ReceivedClose };

/** Frames and the close arrive in one queue, in the order in which the socket got them. */
export class TestPeer {
  readonly socket: WebSocket;
  readonly #arrivals: Arrival[] = [];
  #wake: () => void = () => undefined;
  #onArrival: ((arrival: Arrival) => void) | undefined;

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    this.socket.on('message', (data: Buffer, isBinary) => this.#arrive({ frame: { bytes: data, isBinary } }));
    this.socket.on('close', (code, reason) => this.#arrive({ close: { code, reason: reason.toString() } }));
    this.socket.on('error', () => undefined);
  }

  /** @throws {Error} when it closes instead */
  async opened(): Promise<this> {
    const { socket } = this;
    if (socket.readyState !== WebSocket.CONNECTING) return this;
    const decided = new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('close', () => reject(new Error('the socket closed before it was open')));
    });
    await within('the socket to open', decided);
    return this;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason);
  }

  /** Drops the connection without a close frame. */
  drop(): void {
    this.socket.terminate();
  }

  /** From now on nothing is kept: whatever arrives is told at once, beginning with what was not taken yet. */
  stream(onArrival: (arrival: Arrival) => void): void {
    this.#onArrival = onArrival;
    for (const arrival of this.#arrivals.splice(0)) onArrival(arrival);
  }

  /** The next frame. @throws {Error} when the socket closes instead, or nothing comes */
  async next(deadlineMs?: number): Promise<ReceivedFrame> {
    const arrival = await this.#next('a frame', deadlineMs);
    if ('frame' in arrival) return arrival.frame;
    throw new Error(`expected a frame, came close ${arrival.close.code} ${arrival.close.reason}`);
  }

  /** The next frame, which must be text. */
  async nextText(deadlineMs?: number): Promise<string> {
    const { bytes, isBinary } = await this.next(deadlineMs);
    if (isBinary) throw new Error('expected a text frame, came a binary one');
    return Buffer.from(bytes).toString();
  }

  /** The next frame, which must be an event. */
  async nextEvent(deadlineMs?: number): Promise<HostEvent> {
    const { bytes, isBinary } = await this.next(deadlineMs);
    if (!isBinary) throw new Error('expected an event, came a text frame');
    return decodeHostEvent(bytes);
  }

  /** The close, which must come next. */
  async closed(deadlineMs?: number): Promise<ReceivedClose> {
    const arrival = await this.#next('the close', deadlineMs);
    if ('close' in arrival) return arrival.close;
    throw new Error(
      `expected the close, came a frame: ${Buffer.from(arrival.frame.bytes).toString('latin1')}`,
    );
  }

  /** The close, whatever frames come before it; they are returned with it. */
  async drained(deadlineMs?: number): Promise<{ close: ReceivedClose; frames: ReceivedFrame[] }> {
    const frames: ReceivedFrame[] = [];
    for (;;) {
      const arrival = await this.#next('the close', deadlineMs);
      if ('close' in arrival) return { close: arrival.close, frames };
      frames.push(arrival.frame);
    }
  }

  /** What has arrived and was not taken. */
  get waiting(): number {
    return this.#arrivals.length;
  }

  async #next(what: string, deadlineMs?: number): Promise<Arrival> {
    for (;;) {
      const arrival = this.#arrivals.shift();
      if (arrival) return arrival;
      await within(what, new Promise<void>((resolve) => (this.#wake = resolve)), deadlineMs);
    }
  }

  #arrive(arrival: Arrival): void {
    if (this.#onArrival) return this.#onArrival(arrival);
    this.#arrivals.push(arrival);
    this.#wake();
  }
}

/** A host for tests: a peer that speaks commands and hears events. */
export class TestHost extends TestPeer {
  command(command: HostCommand): void {
    this.send(encodeHostCommand(command));
  }

  /** The next event, which must be this one. */
  async expect<Cmd extends HostEvent['cmd']>(cmd: Cmd): Promise<HostEvent & { cmd: Cmd }> {
    const event = await this.nextEvent();
    if (event.cmd !== cmd) throw new Error(`expected ${cmd}, came ${JSON.stringify(event)}`);
    return event as HostEvent & { cmd: Cmd };
  }

  /** Prepares the room; returns its code. Takes the events up to `prepare_reply`. */
  async prepare(maxPlayers: number, name = ''): Promise<string> {
    this.command({ cmd: 'prepare', name, max_players: maxPlayers });
    for (;;) {
      const event = await this.nextEvent();
      if (event.cmd === 'prepare_reply') return event.key;
      if (event.cmd !== 'state') throw new Error(`expected prepare_reply, came ${JSON.stringify(event)}`);
    }
  }
}
