/** Where a server that tests need comes from: the PATH, or the distribution's package, unpacked. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ServerBinary {
  readonly path: string;
  /** For the libraries that were unpacked with it. */
  readonly env: NodeJS.ProcessEnv;
}

const found = new Map<string, Promise<ServerBinary>>();

/**
 * The program of a Debian package of the same name, which on Debian and Ubuntu is downloaded and unpacked into a
 * cache folder, without installing it.
 * @throws {Error} that names every way to get it
 */
export function findServer(name: string, ways: string): Promise<ServerBinary> {
  const known = found.get(name);
  if (known) return known;
  const finding = find(name).catch((error: unknown) => {
    const install = `install ${name} (apt-get install ${name})`;
    throw new Error(`no ${name} for the tests: ${ways}${install}, or let apt-get reach its mirror`, {
      cause: error,
    });
  });
  found.set(name, finding);
  return finding;
}

/** Where something that was downloaded is kept. */
export function cacheFolder(name: string): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wmbp-testkit', name);
}

async function find(name: string): Promise<ServerBinary> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']) {
    const path = join(folder, name);
    if (existsSync(path)) return { path, env: {} };
  }
  const cache = cacheFolder(name);
  if (!existsSync(cache)) await unpackPackage(name, cache);
  const libraries = await libraryFolders(join(cache, 'usr/lib'));
  const folder = ['usr/bin', 'usr/sbin'].find((each) => existsSync(join(cache, each, name)));
  if (folder === undefined) throw new Error(`the package ${name} has no program of its name`);
  return { path: join(cache, folder, name), env: { LD_LIBRARY_PATH: libraries.join(delimiter) } };
}

/** Downloads the package with what it lacks here, and unpacks it without installing it. Needs no root. */
async function unpackPackage(name: string, target: string): Promise<void> {
  await mkdir(join(target, '..'), { recursive: true });
  const work = await mkdtemp(`${target}-`);
  const root = join(work, 'root');
  const lists = join(work, 'lists');
  const archives = join(work, 'cache');
  await Promise.all([root, join(lists, 'partial'), join(archives, 'archives/partial')].map(makeFolder));
  const options = ['-o', `Dir::State::lists=${lists}`, '-o', `Dir::Cache=${archives}`, '-qq'];
  await run('apt-get', [...options, 'update']);
  const plan = await run('apt-get', [...options, '-s', 'install', '--no-install-recommends', name]);
  const packages = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map(([, needed]) => needed as string);
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
