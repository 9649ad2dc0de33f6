/** Real Prometheus for tests, and its tool that checks rules. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { within } from './deadline.ts';
import { findServer, type ServerBinary } from './debian-binary.ts';
import { freePort, stopChild } from './redis.ts';

const run = promisify(execFile);

export interface Prometheus {
  readonly port: number;
  /** Answers of its HTTP API, `/api/v1/…`: what is under `data`. @throws {Error} with what it says is wrong */
  ask(path: string, query?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

/** @param configFile with absolute paths, or relative to itself */
export async function startPrometheus(configFile: string): Promise<Prometheus> {
  const { path, env } = await findPrometheus();
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-prometheus-'));
  const args = [
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${folder}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(folder, { recursive: true, force: true });
  };
  let output = '';
  try {
    await within(
      `prometheus on port ${port}`,
      new Promise<void>((resolve, reject) => {
        child.stderr.on('data', (text: Buffer) => {
          output += text.toString();
          if (output.includes('Server is ready to receive web requests')) resolve();
        });
        child.once('error', reject);
        child.once('exit', () => reject(new Error(`prometheus ended: ${output}`)));
      }),
      30_000,
    );
  } catch (error) {
    await stop();
    throw error;
  }

  async function ask(what: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const parameters = new URLSearchParams(query).toString();
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${what}?${parameters}`);
    const { status, data, error } = (await answer.json()) as {
      status: string;
      data: unknown;
      error?: string;
    };
    if (status !== 'success') throw new Error(`prometheus to ${what} ${parameters}: ${error}`);
    return data;
  }
  return { port, ask, stop };
}

/** What `promtool` wrote. @throws {Error} with it when it found something wrong */
export async function promtool(args: readonly string[]): Promise<string> {
  const { path, env } = await findPrometheus();
  const tool = path.replace(/prometheus$/, 'promtool');
  try {
    const { stdout, stderr } = await run(tool, [...args], { env: { ...process.env, ...env } });
    return stdout + stderr;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
  }
}

function findPrometheus(): Promise<ServerBinary> {
  return findServer('prometheus', 'put prometheus and promtool on the PATH, ');
}
