/** Processes that the bench starts. None outlives it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const STOP_MS = 3000;
const KEPT_LINES = 5;

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #ended: Promise<string>;
  #lastLines: string[] = [];

  /** @param onLine gets what it prints to stdout. */
  constructor(command: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void) {
    const [file = '', ...args] = command;
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    alive.add(child);
    this.#process = child;
    this.pid = child.pid ?? 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#keep(line);
      onLine(line);
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#keep(error.message);
        resolve(this.lastWords);
      });
      child.once('close', () => {
        alive.delete(child);
        resolve(this.lastWords);
      });
    });
  }

  /** Resolves with its last words when it has ended, whoever ended it. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** The last it said, for an error message. */
  get lastWords(): string {
    return this.#lastLines.join('\n');
  }

  /** SIGTERM, and SIGKILL to one that does not heed it. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const patience = new AbortController();
    const killed = wait(STOP_MS, undefined, { signal: patience.signal }).then(
      () => this.#process.kill('SIGKILL'),
      () => false,
    );
    await this.#ended;
    patience.abort();
    await killed;
  }

  #keep(line: string): void {
    this.#lastLines = [...this.#lastLines, line].slice(-KEPT_LINES);
  }
}
