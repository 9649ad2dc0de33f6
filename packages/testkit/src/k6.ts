/** k6 for tests: named by K6, on the PATH, or built from its Go module into a cache folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '1.8.1';

let finding: Promise<string> | undefined;

/**
 * The path of the program. Building it takes a minute or two, once for a machine.
 * @throws {Error} that names every way to get it
 */
export function findK6(): Promise<string> {
  finding ??= find();
  return finding;
}

async function find(): Promise<string> {
  const named = process.env['K6'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`K6=${named}: there is no such file`);
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'k6');
    if (existsSync(path)) return path;
  }
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wmbp-testkit');
  const path = join(folder, `k6-${VERSION}`);
  if (!existsSync(path)) await build(folder, path);
  return path;
}

async function build(folder: string, path: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'k6-'));
  try {
    const env = { ...process.env, GOBIN: work, GOFLAGS: '' };
    await run('go', ['install', '-ldflags', '-s -w', `go.k6.io/k6@v${VERSION}`], { env });
    // Another process may have been faster: its program is as good.
    await rename(join(work, 'k6'), path);
  } catch (error) {
    const ways = `set K6 to its path, install it so that it is on the PATH, or install Go to have it built`;
    throw new Error(`no k6 for the tests: ${ways}`, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
