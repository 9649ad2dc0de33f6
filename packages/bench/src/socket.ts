/**
 * One WebSocket over `node:net`, as cheap as Node allows: the `ws` package would be the bottleneck of every measurement.
 * All sockets read into one shared buffer, which is safe because a read is dealt with before the next begins.
 */
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameReader, OPCODE, type OnFrame } from './frames.ts';

const READ_BYTES = 1 << 18;
const END_OF_HEAD = '\r\n\r\n';

const shared = Buffer.allocUnsafe(READ_BYTES);

export class RawSocket {
  /** Text and binary frames. */
  onFrame: OnFrame;
  /** The far end closed, or the TCP connection was lost. Not called for a close of ours. */
  onLost: (reason: string) => void = () => {};
  readonly #tcp: Socket;
  readonly #reader: FrameReader;
  readonly #closed: Promise<void>;
  #isOpen = false;
  #isClosing = false;
  #closeCode = 1006;

  /** @param whenOpen called once, after the far end accepted the upgrade and before the first frame. */
  constructor(port: number, path: string, onFrame: OnFrame, whenOpen: () => void) {
    this.onFrame = onFrame;
    this.#reader = new FrameReader((opcode, bytes, start, end) => this.#onFrame(opcode, bytes, start, end));
    let head = '';
    const callback = (length: number, buffer: Uint8Array): boolean => {
      const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      if (this.#isOpen) {
        this.#reader.push(chunk);
        return true;
      }
      head += chunk.toString('latin1');
      const end = head.indexOf(END_OF_HEAD);
      if (end < 0) return true;
      if (!head.startsWith('HTTP/1.1 101')) {
        this.#tcp.destroy(new Error(`upgrade of /${path} refused: ${head.slice(0, 40)}`));
        return true;
      }
      this.#isOpen = true;
      whenOpen();
      this.#reader.push(Buffer.from(head.slice(end + END_OF_HEAD.length), 'latin1'));
      return true;
    };
    this.#tcp = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback } });
    this.#tcp.write(
      `GET /${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    let failure = '';
    this.#tcp.on('error', (error) => (failure = error.message));
    this.#closed = new Promise((resolve) => {
      this.#tcp.on('close', () => {
        resolve();
        if (!this.#isClosing) this.onLost(failure || `closed with ${this.#closeCode}`);
      });
    });
  }

  /** `frames` must not be changed before the far end can have read it. */
  write(frames: Uint8Array): void {
    this.#tcp.write(frames);
  }

  /** Sends a close frame and resolves when the TCP connection is gone. */
  close(): Promise<void> {
    this.#isClosing = true;
    this.#tcp.write(encodeFrame(OPCODE.close, Uint8Array.of(0x03, 0xe8)));
    return this.#closed;
  }

  #onFrame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (opcode < OPCODE.close) this.onFrame(opcode, bytes, start, end);
    else if (opcode === OPCODE.ping) this.write(encodeFrame(OPCODE.pong, bytes.subarray(start, end)));
    else if (opcode === OPCODE.close && end - start >= 2) this.#closeCode = bytes.readUInt16BE(start);
  }
}
