/**
 * Subscriptions by hand, over a connection that somebody else has made and authenticated: a general client makes two
 * buffers, a string, an array and a dozen calls of each message, and a busy link has thousands a second.
 */
import { type Duplex } from 'node:stream';
import { PushDecoder } from './push-decoder.ts';

export type OnMessage = (channel: string, envelope: Uint8Array) => void;

interface Due {
  answersLeft: number;
  readonly kind: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Redis answered something else than it was asked for. */
class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export class HearPipe {
  readonly #stream: Duplex;
  readonly #answerWithinMs: number;
  /** Answers come in the order of the commands. */
  readonly #due: Due[] = [];
  #isOpen = true;

  /**
   * @param stream with nothing under way on it; it is this object's alone from now on
   * @param answerWithinMs what is not answered by then is given up, and rejects
   */
  constructor(stream: Duplex, answerWithinMs: number, onMessage: OnMessage) {
    this.#stream = stream;
    this.#answerWithinMs = answerWithinMs;
    const decoder = new PushDecoder({
      message: onMessage,
      reply: (kind) => this.#onReply(kind),
      refusal: (error) => this.#settle(new ReplyError(error)),
    });
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => {
      if (!this.#isOpen) return;
      try {
        decoder.write(chunk);
      } catch (error) {
        // What follows cannot be told apart any more: another connection begins anew.
        this.#isOpen = false;
        stream.destroy(error as Error);
      }
    });
    stream.once('close', () => this.#onClose());
  }

  /** Resolves when all of them are heard. */
  subscribe(channels: readonly string[]): Promise<void> {
    return this.#command('subscribe', channels);
  }

  /** Resolves when none of them is heard any more. */
  unsubscribe(channels: readonly string[]): Promise<void> {
    return this.#command('unsubscribe', channels);
  }

  /** Resolves when everything asked before is answered. */
  ping(): Promise<void> {
    return this.#command('pong', []);
  }

  #command(kind: string, channels: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(new Error('the connection is closed'));
      const timer = setTimeout(() => reject(new Error('no answer in time')), this.#answerWithinMs);
      this.#due.push({ answersLeft: Math.max(1, channels.length), kind, timer, resolve, reject });
      this.#stream.write(commandOf(kind === 'pong' ? 'ping' : kind, channels));
    });
  }

  #onReply(kind: string): void {
    const [due] = this.#due;
    // Who has not subscribed yet gets the answer to a ping as a simple string, and so in capitals.
    if (!due || due.kind !== kind.toLowerCase()) throw new Error(`expected ${due?.kind}, found ${kind}`);
    due.answersLeft -= 1;
    if (due.answersLeft === 0) this.#settle(undefined);
  }

  #settle(error: Error | undefined): void {
    const due = this.#due.shift();
    if (!due) throw error ?? new Error('an answer to nothing');
    clearTimeout(due.timer);
    if (error) due.reject(error);
    else due.resolve();
  }

  #onClose(): void {
    this.#isOpen = false;
    while (this.#due.length > 0) this.#settle(new Error('the connection is closed'));
  }
}

/** Channels are ASCII. */
function commandOf(name: string, channels: readonly string[]): string {
  const words = [name, ...channels];
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}
