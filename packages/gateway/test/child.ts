/** The server as a process whose two outputs are text: for what it writes, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cleanEnv, ROOT, within } from '@wmbp/testkit';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export const MAIN = 'packages/gateway/src/main.ts';

export class Child {
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  stdout = '';
  stderr = '';
  /** Its outputs are read to their end: later than the process's own. */
  #ended = false;
  #wake: () => void = () => undefined;

  /** @param args of Node. @param command instead of Node, for what is around it */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    command = process.execPath,
  ) {
    this.process = spawn(command, args, {
      cwd: ROOT,
      env: { ...cleanEnv(), WMBP_HOST: '127.0.0.1', WMBP_PORT: '0', WMBP_ADMIN_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own group, as a shell gives it one: a test may signal the group as a terminal does.
      detached: true,
    });
    this.process.stdout?.on('data', (text: Buffer) => {
      this.stdout += text.toString();
      this.#wake();
    });
    this.process.stderr?.on('data', (text: Buffer) => {
      this.stderr += text.toString();
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        this.#ended = true;
        resolve({ code, signal });
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get lines(): string[] {
    return this.stdout.split('\n').filter((line) => line !== '');
  }

  /** Resolves when `pattern` is in what was written so far. */
  async wrote(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      if (this.#ended) throw new Error(`it ended without ${pattern}: ${this.stdout}${this.stderr}`);
      await within(
        `${pattern} in ${this.stdout}`,
        new Promise<void>((resolve) => (this.#wake = resolve)),
        30_000,
      );
    }
  }

  /** Resolves with the port once it listens. */
  async listening(): Promise<number> {
    const [, port] = await this.wrote(/"port":(\d+).*"msg":"listening"/);
    return Number(port);
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** As Ctrl-C on a terminal: everybody in the process group gets it. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  /** How it ended. */
  exit(deadlineMs = 20_000): Promise<Exit> {
    return within(`the end of the process; it wrote ${this.stdout}`, this.exited, deadlineMs);
  }

  /** Whatever is left of it is gone after this. */
  end(): void {
    try {
      this.killGroup('SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

/** Memory that a process has in use, and the most it ever had. */
export function memoryMib(pid: number): { now: number; most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return { now: read('VmRSS'), most: read('VmHWM') };
}
