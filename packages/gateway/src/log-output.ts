/** Where log lines go: to a reader who cannot make the process wait, all of them before it ends. */
import { type Writable } from 'node:stream';

/** What a reader that stalls leaves over is dropped beyond this. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** The end of the process waits for a reader no longer than this. */
const FLUSH_MS = 500;

export class LogOutput {
  readonly #stream: Writable;

  /**
   * @param stream must write without blocking, as `process.stdout` does to a pipe. A blocked write on libuv's
   *   threads, which is how pino writes by itself, keeps the process from ending (measured 2026-11-26)
   */
  constructor(stream: Writable) {
    this.#stream = stream;
    // The reader is gone: there is nobody to tell.
    stream.on('error', () => undefined);
  }

  write(line: string): void {
    if (this.#stream.writable && this.#stream.writableLength < MAX_UNREAD_BYTES) this.#stream.write(line);
  }

  /** Calls `done` when everything is written, or does not get written soon. */
  flush(done: () => void): void {
    const finish = soon(done);
    if (this.#stream.writable) this.#stream.write('', finish);
    else finish();
  }
}

/**
 * Gives a stream that formats lines on their way, as `pino-pretty` does, the `flush` that pino looks for: without it the
 * process ends while the last lines are on it. Nothing can be written after that.
 */
export function withFlush<Stream extends Writable>(
  stream: Stream,
): Stream & { flush(done: () => void): void } {
  stream.on('error', () => undefined);
  return Object.assign(stream, {
    flush(done: () => void): void {
      stream.once('close', soon(done));
      stream.end();
    },
  });
}

/** `done`, to be called once; called by itself after a while. */
function soon(done: () => void): () => void {
  const timer = setTimeout(done, FLUSH_MS);
  return () => {
    clearTimeout(timer);
    done();
  };
}
