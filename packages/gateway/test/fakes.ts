/** Hand-written stand-ins for what surrounds the core, for unit tests. */
import { type Close } from '@wmbp/protocol';
import { type Backplane, type OnAnswer } from '../src/backplane.ts';
import { type Log } from '../src/log.ts';
import { type Socket } from '../src/socket.ts';

/** A socket that remembers what it was told. */
export class FakeSocket implements Socket {
  readonly address: string;
  readonly frames: { bytes: Uint8Array; readonly isBinary: boolean }[] = [];
  closedWith: Close | undefined;

  constructor(address = '10.0.0.1') {
    this.address = address;
  }

  get isOpen(): boolean {
    return this.closedWith === undefined;
  }

  /** Reads the bytes when the caller is done, as the port allows: who changes them before is found out. */
  send(bytes: Uint8Array, isBinary: boolean): void {
    if (!this.isOpen) return;
    const frame = { bytes, isBinary };
    this.frames.push(frame);
    queueMicrotask(() => (frame.bytes = bytes.slice()));
  }

  close(close: Close): void {
    this.closedWith ??= close;
  }

  /** What was sent, as text. */
  get texts(): string[] {
    return this.frames.map(({ bytes }) => Buffer.from(bytes).toString());
  }
}

/** A backplane whose operations wait until the test says how they end. */
export class FakeBackplane implements Backplane {
  readonly calls: string[] = [];
  readonly published: { readonly channel: string; readonly envelope: Uint8Array }[] = [];
  readonly #pending: { resolve(receivers: number): void; reject(error: Error): void }[] = [];
  hear: (envelope: Uint8Array) => void = () => undefined;

  async subscribe(channel: string, onEnvelope: (envelope: Uint8Array) => void): Promise<void> {
    this.calls.push(`subscribe ${channel}`);
    this.hear = onEnvelope;
    await this.#wait();
  }

  async unsubscribe(channel: string): Promise<void> {
    this.calls.push(`unsubscribe ${channel}`);
    await this.#wait();
  }

  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    this.published.push({ channel, envelope });
    this.#wait().then(onAnswer, () => onAnswer(undefined));
  }

  /** The oldest operation that waits succeeds. */
  async succeed(receivers = 1): Promise<void> {
    this.#pending.shift()?.resolve(receivers);
    await settled();
  }

  /** The oldest operation that waits fails. */
  async fail(): Promise<void> {
    this.#pending.shift()?.reject(new Error('the backplane is out of reach'));
    await settled();
  }

  #wait(): Promise<number> {
    return new Promise((resolve, reject) => this.#pending.push({ resolve, reject }));
  }
}

/** A log that remembers its lines, errors and warnings apart as well. */
export class FakeLog implements Log {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly warnings: string[] = [];

  debug(): void {}

  info(_fields: object, event: string): void {
    this.lines.push(event);
  }

  warn(_fields: object, event: string): void {
    this.lines.push(event);
    this.warnings.push(event);
  }

  error(_fields: object, event: string): void {
    this.lines.push(event);
    this.errors.push(event);
  }
}

/** The turn of the event loop is over, and everything that was settled in it has been acted upon. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
