/** A peer that minds no rules: bytes over TCP, read only when it pleases. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { within } from '@wmbp/testkit';

export interface RawFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One client frame, masked with zeros. @param first FIN, reserved bits and opcode */
export function clientFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.of(first, 0x80 | length, 0, 0, 0, 0), payload]);
  const head = Buffer.alloc(length < 65_536 ? 8 : 14);
  head[0] = first;
  if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

export class RawPeer {
  readonly tcp: Socket;
  /** Resolves when the connection is over, whoever ended it. */
  readonly gone: Promise<void>;
  #received: Buffer[] = [];
  #wake: () => void = () => undefined;
  #isGone = false;

  private constructor(port: number) {
    this.tcp = connect({ port, host: '127.0.0.1', noDelay: true });
    this.tcp.on('error', () => undefined);
    this.tcp.on('data', (bytes) => {
      this.#received.push(bytes);
      this.#wake();
    });
    this.gone = new Promise((resolve) => {
      this.tcp.on('close', () => {
        this.#isGone = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** Connected, and nothing said yet. */
  static async connected(port: number): Promise<RawPeer> {
    const peer = new RawPeer(port);
    await within(
      'the TCP connection',
      new Promise<void>((resolve, reject) => {
        peer.tcp.once('connect', resolve);
        peer.tcp.once('error', reject);
      }),
    );
    return peer;
  }

  /** An upgraded WebSocket. Reads on until `pause`. @param before what is written first */
  static async upgraded(port: number, path: string, before: Uint8Array = new Uint8Array()): Promise<RawPeer> {
    const peer = await RawPeer.connected(port);
    const key = randomBytes(16).toString('base64');
    peer.tcp.write(before);
    peer.tcp.write(
      `GET ${path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    const head = await peer.until((bytes) => {
      const end = bytes.indexOf('\r\n\r\n');
      return end < 0 ? undefined : end + 4;
    });
    if (!head.toString('latin1').startsWith('HTTP/1.1 101'))
      throw new Error(`no upgrade: ${head.toString()}`);
    return peer;
  }

  /** Writes; resolves when the kernel has taken it, or the connection is gone. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isGone) return resolve();
      this.tcp.write(bytes, () => resolve());
    });
  }

  send(opcode: number, payload: string | Uint8Array): Promise<void> {
    return this.write(clientFrame(0x80 | opcode, Buffer.from(payload)));
  }

  /** Takes nothing from the kernel any more. */
  pause(): void {
    this.tcp.pause();
  }

  resume(): void {
    this.tcp.resume();
  }

  drop(): void {
    this.tcp.destroy();
  }

  get received(): number {
    return this.#received.reduce((sum, { length }) => sum + length, 0);
  }

  /** The next WebSocket frame; `undefined` when the connection ends first. */
  async frame(): Promise<RawFrame | undefined> {
    const bytes = await this.until(frameEnd).catch(() => undefined);
    return bytes && frameOf(bytes, bytes.length);
  }

  /** Every frame up to the end of the connection. */
  async frames(): Promise<RawFrame[]> {
    await within('the end of the connection', this.gone, 30_000);
    const bytes = Buffer.concat(this.#received.splice(0));
    const frames: RawFrame[] = [];
    for (let at = 0; ;) {
      const rest = bytes.subarray(at);
      const end = frameEnd(rest);
      if (end === undefined) return frames;
      frames.push(frameOf(rest, end));
      at += end;
    }
  }

  /** Reads on and forgets what it reads, up to these letters; what was read before is forgotten too. */
  async seen(letters: string): Promise<void> {
    let end = '';
    for (;;) {
      for (const bytes of this.#received.splice(0)) {
        const text = end + bytes.toString('latin1');
        if (text.includes(letters)) return;
        end = text.slice(-letters.length);
      }
      if (this.#isGone) throw new Error(`the connection ended before '${letters}'`);
      await within(`'${letters}'`, new Promise<void>((resolve) => (this.#wake = resolve)), 30_000);
    }
  }

  /** Everything until the connection ends, as text. */
  async text(): Promise<string> {
    await within('the end of the connection', this.gone, 30_000);
    return Buffer.concat(this.#received.splice(0)).toString('latin1');
  }

  /** Takes bytes up to where `endOf` says. @throws {Error} when the connection ends first */
  async until(endOf: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const bytes = Buffer.concat(this.#received.splice(0));
      const end = endOf(bytes);
      if (end !== undefined) {
        if (end < bytes.length) this.#received.unshift(bytes.subarray(end));
        return bytes.subarray(0, end);
      }
      if (bytes.length > 0) this.#received.unshift(bytes);
      if (this.#isGone) throw new Error('the connection ended');
      await within('bytes', new Promise<void>((resolve) => (this.#wake = resolve)), 30_000);
    }
  }
}

/** Code and reason of a close frame. */
export function closeOf(frame: RawFrame | undefined): { code: number; reason: string } | undefined {
  if (frame?.opcode !== OPCODE.close || frame.payload.length < 2) return undefined;
  return { code: frame.payload.readUInt16BE(0), reason: frame.payload.subarray(2).toString() };
}

function frameOf(bytes: Buffer, end: number): RawFrame {
  return { opcode: (bytes[0] ?? 0) & 15, payload: bytes.subarray(payloadOf(bytes)?.start, end) };
}

function payloadOf(bytes: Buffer): { start: number; end: number } | undefined {
  const short = (bytes[1] ?? 0) & 127;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return { start, end: start + length };
}

function frameEnd(bytes: Buffer): number | undefined {
  const payload = bytes.length < 2 ? undefined : payloadOf(bytes);
  return payload && payload.end <= bytes.length ? payload.end : undefined;
}
