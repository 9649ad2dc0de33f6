/** The Redis 8 of the official image as a process of this machine, which tests may kill and freeze like any other. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, type ServerBinary } from './debian-binary.ts';

const run = promisify(execFile);

const IMAGE = 'redis:8';
const PULL_MS = 120_000;
const PROGRAMS = ['usr/local/bin/redis-server', 'usr/bin/redis-server'];

/**
 * Unpacked from the image `redis:8` into a cache folder, and started with the image's own C library; Linux only.
 * `undefined` where no Docker engine answers that has the image or can get it.
 */
export async function findRedis8(): Promise<ServerBinary | undefined> {
  try {
    const cache = cacheFolder(`redis-8-${await imageId()}`);
    if (!existsSync(cache)) await unpack(cache);
    return { path: join(cache, 'redis-server'), env: {} };
  } catch {
    return undefined;
  }
}

async function imageId(): Promise<string> {
  const inspect = ['image', 'inspect', '--format', '{{.Id}}', IMAGE];
  const known = await docker(inspect).catch(() => undefined);
  if (known === undefined) await docker(['pull', '--quiet', IMAGE]);
  return (known ?? (await docker(inspect))).replace('sha256:', '').slice(0, 12);
}

async function unpack(target: string): Promise<void> {
  await mkdir(join(target, '..'), { recursive: true });
  const work = await mkdtemp(`${target}-`);
  const container = await docker(['create', IMAGE]);
  try {
    await run('sh', ['-c', 'docker export "$1" | tar -xf - -C "$2" usr', 'sh', container, work]);
  } finally {
    await docker(['rm', container]);
  }
  const libraries = await libraryFolder(work);
  for (const program of PROGRAMS.filter((each) => existsSync(join(work, each)))) {
    const loaded = `"$here/${libraries}"/ld-linux-*.so.* --library-path "$here/${libraries}" "$here/${program}"`;
    const script = `#!/bin/sh\nhere=$(dirname "$0")\nexec ${loaded} "$@"\n`;
    await writeFile(join(work, 'redis-server'), script, { mode: 0o755 });
    const isIt = await run(join(work, 'redis-server'), ['--version']).then(
      ({ stdout }) => stdout.includes('v=8.'),
      () => false,
    );
    if (!isIt) continue;
    // Another worker may have been faster: its copy is as good.
    await rename(work, target).catch(() => rm(work, { recursive: true, force: true }));
    return;
  }
  await rm(work, { recursive: true, force: true });
  throw new Error(`${IMAGE} has no redis-server 8 that can be started outside of a container`);
}

/** With the loader of the image's C library. */
async function libraryFolder(root: string): Promise<string> {
  for (const name of await readdir(join(root, 'usr/lib'))) {
    const isLibrary = name.endsWith('-linux-gnu');
    const files = isLibrary ? await readdir(join(root, 'usr/lib', name)) : [];
    if (files.some((file) => file.startsWith('ld-linux'))) return join('usr/lib', name);
  }
  throw new Error(`${IMAGE} has no C library`);
}

async function docker(args: readonly string[]): Promise<string> {
  return (await run('docker', [...args], { timeout: PULL_MS })).stdout.trim();
}
