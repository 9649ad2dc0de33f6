/** Where a `redis-server` comes from when none is configured: the PATH, or the distribution's package, unpacked. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface RedisBinary {
  readonly path: string;
  /** For the libraries that were unpacked with it. */
  readonly env: NodeJS.ProcessEnv;
}

const WAYS =
  'No Redis for the tests. Set REDIS_URL, or start a Docker engine, or install redis-server ' +
  '(apt-get install redis-server), or on Debian and Ubuntu let the tests reach the package mirror.';

let found: Promise<RedisBinary> | undefined;

/** @throws {Error} that names every way to get one */
export function findRedisServer(): Promise<RedisBinary> {
  return (found ??= find());
}

async function find(): Promise<RedisBinary> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'redis-server');
    if (existsSync(path)) return { path, env: {} };
  }
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wmbp-testkit', 'redis');
  try {
    if (!existsSync(cache)) await unpackPackage(cache);
  } catch (error) {
    throw new Error(WAYS, { cause: error });
  }
  const libraries = await libraryFolders(join(cache, 'usr/lib'));
  return { path: join(cache, 'usr/bin/redis-server'), env: { LD_LIBRARY_PATH: libraries.join(delimiter) } };
}

/** Downloads the package with what it lacks here, and unpacks it without installing it. Needs no root. */
async function unpackPackage(target: string): Promise<void> {
  await mkdir(join(target, '..'), { recursive: true });
  const work = await mkdtemp(`${target}-`);
  const root = join(work, 'root');
  const lists = join(work, 'lists');
  const archives = join(work, 'cache');
  await Promise.all([root, join(lists, 'partial'), join(archives, 'archives/partial')].map(makeFolder));
  const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${archives}`, '-qq'];
  await run('apt-get', [...options, 'update']);
  const plan = await run('apt-get', [...options, '-s', 'install', '--no-install-recommends', 'redis-server']);
  const packages = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name as string);
  await run('apt-get', [...options, 'download', ...packages], { cwd: work });
  for (const file of await readdir(work)) {
    if (file.endsWith('.deb')) await run('dpkg', ['-x', join(work, file), root]);
  }
  // Another worker may have been faster: its copy is as good.
  await rename(root, target).catch(() => undefined);
  await rm(work, { recursive: true, force: true });
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
}

async function libraryFolders(lib: string): Promise<string[]> {
  const names = existsSync(lib) ? await readdir(lib) : [];
  return [lib, ...names.map((name) => join(lib, name))];
}
