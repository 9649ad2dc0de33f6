/** The real server as a process of its own, by the command that users type. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { within } from './deadline.ts';

export interface LogLine {
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ServerProcess {
  readonly port: number;
  readonly adminPort: number | undefined;
  readonly pid: number;
  /** Everything logged so far. */
  readonly log: readonly LogLine[];
  /** Everything written to standard error so far: by Node.js, the gateway writes nothing there. */
  errors(): string;
  /** The next log line, or an earlier one, with this `msg`. */
  logged(msg: string, deadlineMs?: number): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export const ROOT = new URL('../../../', import.meta.url).pathname;

/** A start is seconds of work for a core that others may want as well. */
const START_MS = 60_000;

/** Starts the gateway on free ports; the caller kills it. @param env further settings */
export async function startServer(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['packages/gateway/src/main.ts'], {
    cwd: ROOT,
    env: { ...cleanEnv(), WMBP_HOST: '127.0.0.1', WMBP_PORT: '0', WMBP_ADMIN_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(JSON.parse(line) as LogLine);
    for (const wake of waiting) wake();
  });
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });

  async function logged(msg: string, deadlineMs?: number): Promise<LogLine> {
    for (;;) {
      const line = log.find((each) => each.msg === msg);
      if (line) return line;
      const ended = exited.then(({ code }) => {
        throw new Error(`the server ended with ${code} before it logged '${msg}': ${errors}`);
      });
      let wake = (): void => undefined;
      const more = new Promise<void>((resolve) => (wake = resolve));
      waiting.add(wake);
      await within(`the log line '${msg}'`, Promise.race([more, ended]), deadlineMs);
      waiting.delete(wake);
    }
  }

  const listening = await logged('listening', START_MS).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    port: listening['port'] as number,
    adminPort: listening['adminPort'] as number | undefined,
    pid: pidOf(child),
    log,
    errors: () => errors,
    logged,
    kill: (signal) => void child.kill(signal),
    exited,
  };
}

/** The environment without settings of ours: a test says all of them. */
export function cleanEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WMBP_')));
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the server did not start');
  return child.pid;
}
