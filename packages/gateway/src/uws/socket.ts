/**
 * One WebSocket of uWebSockets.js. Frames of one turn leave together, corked.
 *
 * `end()` of the library calls its close handler before it returns, and `send()` on a closed socket throws: so
 * `close` only marks, and everything happens at the end of the turn. `maxBackpressure` is 0, with which the
 * library never drops a frame; the bound is ours (`Pressure`).
 */
import { CLOSE, type Close } from '@wmbp/protocol';
import { type Traffic } from '../metrics.ts';
import { Reading } from '../reading.ts';
import { Backlog, type PressedSocket, type Pressure } from '../pressure.ts';
import { type Socket, type SocketListener } from '../socket.ts';
import { type Flushable, type Turn } from '../turn.ts';
import { type Uws } from './load.ts';
import { type UserData } from './transport.ts';

export class UwsSocket implements Socket, Flushable, PressedSocket {
  readonly address: string;
  readonly backlog: Backlog = new Backlog();
  readonly #turn: Turn;
  readonly #pressure: Pressure;
  readonly #traffic: Traffic;
  readonly #reading = new Reading();
  #ws: Uws.WebSocket<UserData> | undefined;
  #listener: SocketListener | undefined;
  #frames: Uint8Array[] = [];
  #isBinary: boolean[] = [];
  #isWaiting = false;
  #closing: Close | undefined;

  constructor(
    ws: Uws.WebSocket<UserData>,
    address: string,
    turn: Turn,
    pressure: Pressure,
    traffic: Traffic,
  ) {
    this.#ws = ws;
    this.address = address;
    this.#turn = turn;
    this.#pressure = pressure;
    this.#traffic = traffic;
    traffic.sockets += 1;
  }

  get isOpen(): boolean {
    return this.#ws !== undefined && this.#closing === undefined;
  }

  listen(listener: SocketListener): void {
    this.#listener = listener;
  }

  send(bytes: Uint8Array, isBinary: boolean): void {
    if (!this.isOpen) return;
    this.#frames.push(bytes);
    this.#isBinary.push(isBinary);
    this.#traffic.framesOut += 1;
    this.#traffic.bytesOut += bytes.length;
    this.#turn.collect(bytes.length);
    this.#flushLater();
  }

  close(close: Close): void {
    if (!this.isOpen) return;
    this.#closing = close;
    this.#flushLater();
  }

  closeSlow(): void {
    this.#listener?.end?.('slowConsumer');
    this.close(CLOSE.slowConsumer);
  }

  drop(): void {
    this.closeSlow();
    this.#ws?.close();
  }

  blameOther(): boolean {
    return this.#listener?.mayBlameOther?.(this.backlog.bytes) ?? false;
  }

  flush(): void {
    this.#isWaiting = false;
    const ws = this.#ws;
    if (!ws) return;
    if (this.#frames.length > 0) this.#sendAll(ws);
    if (this.#closing) {
      this.#pressure.forget(this);
      if (this.#pressure.mayLinger(ws.getBufferedAmount(), performance.now()))
        ws.end(this.#closing.code, this.#closing.reason);
      else ws.close();
    } else {
      this.onUnsent(false);
      this.#pressure.relieve();
    }
  }

  /** Looks at what the peer has not taken. @param hasProgress it has just taken something */
  onUnsent(hasProgress: boolean): void {
    const unsent = this.#ws?.getBufferedAmount() ?? 0;
    if (unsent > 0 || this.backlog.bytes > 0)
      this.#pressure.note(this, unsent, hasProgress, performance.now());
    if (unsent === 0) this.#listener?.onDrained?.();
  }

  onMessage(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#closing) return;
    this.#traffic.framesIn += 1;
    this.#traffic.bytesIn += bytes.length;
    this.#listener?.onFrame(bytes, isBinary);
    const { isFull } = this.#turn;
    if (isFull) this.#turn.flush();
    this.#weigh(bytes.length, isFull);
  }

  onPing(payloadBytes: number): void {
    this.onUnsent(false);
    this.#weigh(payloadBytes, false);
  }

  /** The library's socket is gone. Returns the close frame that was ours, if one was. */
  onClosed(): Close | undefined {
    this.#ws = undefined;
    this.#traffic.sockets -= 1;
    this.#pressure.forget(this);
    this.#frames = [];
    this.#listener?.onClose();
    return this.#closing;
  }

  /** Not at the end of the turn: while this socket is read from, it does not end. */
  #weigh(frameBytes: number, mustLook: boolean): void {
    if (!this.#reading.isTooMuch(this.#turn, frameBytes, mustLook, () => performance.now())) return;
    this.#listener?.end?.('flooding');
    this.close(CLOSE.flooding);
    this.flush();
  }

  #flushLater(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#turn.add(this);
  }

  #sendAll(ws: Uws.WebSocket<UserData>): void {
    const frames = this.#frames;
    const isBinary = this.#isBinary;
    if (frames.length === 1) {
      ws.send(frames[0] as Uint8Array, isBinary[0] as boolean);
    } else {
      ws.cork(() => {
        for (let i = 0; i < frames.length; i += 1) ws.send(frames[i] as Uint8Array, isBinary[i] as boolean);
      });
    }
    frames.length = 0;
    isBinary.length = 0;
  }
}
