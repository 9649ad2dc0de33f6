/**
 * PUBLISH by hand, over a connection that somebody else has made and authenticated: a general client makes a command, a
 * promise, a timer and several buffers for each envelope, and a busy link has thousands a second.
 */
import { type Duplex } from 'node:stream';
import { type OnAnswer } from '../backplane.ts';

/** What a turn publishes is written together; larger envelopes are not copied for it. */
const MAX_COPIED_BYTES = 16 * 1024;
const SLAB_BYTES = 64 * 1024;
/** Of a command's head, beside the channel's name: `*3 $7 PUBLISH $… $…`, and line ends. */
const HEAD_BYTES = 64;
const CR = 13;
const LF = 10;
const COLON = 58;
/** What a replica answers to writes. */
export const READONLY = 'READONLY';

interface Due {
  readonly onAnswer: OnAnswer;
  readonly bytes: number;
  readonly isCheck: boolean;
}

export class PublishPipe {
  readonly #stream: Duplex;
  readonly #onError: (error: string) => void;
  /** Answers come in the order of the commands. */
  #due: Due[] = [];
  #answered = 0;
  #unansweredBytes = 0;
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Of the slab: what is to be written next. */
  #start = 0;
  #end = 0;
  #isScheduled = false;
  #isOpen = true;
  #line: Buffer<ArrayBufferLike> = Buffer.alloc(0);

  /**
   * @param stream with nothing under way on it; it is this object's alone from now on
   * @param onError gets what Redis answers instead of a number
   */
  constructor(stream: Duplex, onError: (error: string) => void) {
    this.#stream = stream;
    this.#onError = onError;
    stream.removeAllListeners('data');
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.once('close', () => this.#onClose());
  }

  get unansweredBytes(): number {
    return this.#unansweredBytes;
  }

  /** As the port says. Channels are ASCII. */
  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    const { length } = envelope;
    this.#expect(onAnswer, length);
    this.#reserve(HEAD_BYTES + channel.length + (length > MAX_COPIED_BYTES ? 0 : length));
    this.#text(`*3\r\n$7\r\nPUBLISH\r\n$${channel.length}\r\n${channel}\r\n$${length}\r\n`);
    if (length > MAX_COPIED_BYTES) {
      this.#write();
      this.#stream.write(envelope);
    } else {
      this.#slab.set(envelope, this.#end);
      this.#end += length;
    }
    this.#text('\r\n');
  }

  /**
   * Answers 0 when Redis is there. Deletes what never is: a replica refuses that (`onError` gets `READONLY …`), though it
   * takes what is published, and to nobody.
   */
  check(onAnswer: OnAnswer): void {
    this.#expect(onAnswer, 0, true);
    this.#reserve(HEAD_BYTES);
    this.#text('DEL wmbp:nothing\r\n');
  }

  #expect(onAnswer: OnAnswer, bytes: number, isCheck = false): void {
    if (!this.#isOpen) return queueMicrotask(() => onAnswer(undefined));
    this.#due.push({ onAnswer, bytes, isCheck });
    this.#unansweredBytes += bytes;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#stream.cork();
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#write();
      this.#stream.uncork();
    });
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= SLAB_BYTES) return;
    this.#write();
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#start = 0;
    this.#end = 0;
  }

  #text(text: string): void {
    this.#end += this.#slab.write(text, this.#end, 'latin1');
  }

  /** What was written belongs to the stream: the slab goes on behind it. */
  #write(): void {
    if (this.#start === this.#end) return;
    if (this.#isOpen) this.#stream.write(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #onData(chunk: Buffer): void {
    const bytes = this.#line.length > 0 ? Buffer.concat([this.#line, chunk]) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      this.#onLine(bytes, start, bytes[end - 1] === CR ? end - 1 : end);
      start = end + 1;
    }
    this.#line = start < bytes.length ? Buffer.from(bytes.subarray(start)) : bytes.subarray(0, 0);
  }

  #onLine(bytes: Buffer, start: number, end: number): void {
    const due = this.#due[this.#answered];
    if (!due) return;
    this.#answered += 1;
    if (this.#answered === this.#due.length) {
      this.#due = [];
      this.#answered = 0;
    }
    this.#unansweredBytes -= due.bytes;
    if (bytes[start] === COLON) return due.onAnswer(numberIn(bytes, start + 1, end));
    const error = bytes.toString('latin1', start + 1, end);
    // Whoever may not delete was answered all the same.
    if (!due.isCheck || error.startsWith(READONLY)) this.#onError(error);
    due.onAnswer(due.isCheck ? 0 : undefined);
  }

  #onClose(): void {
    this.#isOpen = false;
    const due = this.#due.slice(this.#answered);
    this.#due = [];
    this.#answered = 0;
    this.#unansweredBytes = 0;
    for (const { onAnswer } of due) onAnswer(undefined);
  }
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) number = 10 * number + (bytes[at] ?? 0) - 48;
  return number;
}
