/** One WebSocket of a peer: frames in, frames out, its close counted by code. */
import exec from 'k6/execution';
import { WebSocket, type BinaryType, type ErrorEvent, type MessageEvent } from 'k6/websockets';
import { nowMs } from './clock.ts';
import { guarded } from './guard.ts';
import { counts } from './metrics.ts';
import { URLS } from './settings.ts';

const OPEN = 1;
/** What a library says when there was no close frame. */
const LOST = 1006;
/** There was no socket at all. */
export const NEVER_OPENED = 0;

export interface Listener {
  onOpen(): void;
  /** @param data text, or the bytes of a binary frame */
  onFrame(data: string | Uint8Array): void;
  /** Comes once, also for a socket that never opened. @param why what k6 says of a socket that broke */
  onClose(code: number, why: string): void;
}

let opened = 0;

export class Socket {
  readonly startedAtMs = nowMs();
  readonly #socket: WebSocket;

  /** @param path `CREATE`, or a room code */
  constructor(peer: 'host' | 'player', path: string, listener: Listener) {
    const url = URLS[(exec.vu.idInTest + opened) % URLS.length];
    opened += 1;
    // All sockets of a kind are one series: their URLs differ by room code.
    const socket = new WebSocket(`${url}/${path}`, null, { tags: { name: peer } });
    this.#socket = socket;
    socket.binaryType = 'arraybuffer' as BinaryType;
    let isOpened = false;
    socket.onopen = guarded(() => {
      isOpened = true;
      listener.onOpen();
    });
    socket.onmessage = guarded((event?: MessageEvent) => {
      const data = event?.data;
      if (typeof data === 'string') listener.onFrame(data);
      else if (data instanceof ArrayBuffer) listener.onFrame(new Uint8Array(data));
      else throw new Error('a frame that is neither text nor an array buffer');
    });
    // It comes before the close, for all codes but 1000 and 1001.
    let why = '';
    socket.onerror = guarded((event?: ErrorEvent) => {
      why = event?.error ?? '';
    });
    socket.onclose = guarded((event?: { code?: number }) => {
      const code = isOpened ? (event?.code ?? LOST) : NEVER_OPENED;
      counts.closes.add(1, { peer, code: String(code) });
      listener.onClose(code, why);
    });
  }

  get isOpen(): boolean {
    return (this.#socket.readyState as number) === OPEN;
  }

  /** @param frame bytes are not copied: they must not change any more */
  send(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(typeof frame === 'string' ? frame : frame.buffer);
  }

  close(): void {
    this.#socket.close();
  }
}
