/** The Redis user that is written down for operators, on servers of a test, and everything that a gateway asks of them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RoomCode } from '@wmbp/protocol';
import { ROOT, within } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { channelOf } from '../src/channels.ts';
import { type Log } from '../src/log.ts';
import { drawEpoch, drawNodeId, type NodeId } from '../src/names.ts';
import { openRedis } from '../src/redis/cluster.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { type Shared } from '../src/shared.ts';

export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The words of the rule behind the user's name. */
export async function rulesOf(file: 'users.acl' | 'users-cluster.acl'): Promise<string[]> {
  const text = await readFile(join(ROOT, 'deploy/redis', file), 'utf8');
  const [, rules] = /^user wmbp (.*)$/m.exec(text) ?? [];
  if (rules === undefined) throw new Error(`${file} has no user wmbp`);
  return rules.split(' ');
}

export function commandsOf(rules: readonly string[]): string[] {
  return rules.filter((rule) => rule.startsWith('+')).map((rule) => rule.slice(1));
}

/** Who may do everything, on each server of a test. */
export class Admins {
  readonly clients: Redis[];

  constructor(ports: readonly number[]) {
    this.clients = ports.map((port) => new Redis(port, '127.0.0.1', { protocol: 2 }));
    for (const client of this.clients) client.on('error', () => undefined);
  }

  async all(...command: readonly string[]): Promise<unknown[]> {
    const [name = '', ...args] = command;
    return Promise.all(this.clients.map((client) => client.call(name, ...args)));
  }

  /** Gives the user exactly these rights. */
  async allow(rules: readonly string[]): Promise<void> {
    await this.all('ACL', 'SETUSER', 'wmbp', 'reset', ...rules);
    await this.all('ACL', 'LOG', 'RESET');
    await this.all('CONFIG', 'RESETSTAT');
    // So that scripts are sent in full once.
    await this.all('SCRIPT', 'FLUSH');
  }

  /** What the user was refused: commands, keys, channels. */
  async refused(): Promise<string[]> {
    const logs = (await this.all('ACL', 'LOG')) as unknown[][][];
    return logs.flat().map((entry) => String(entry[entry.indexOf('object') + 1]));
  }

  /** How often each command was called, scripts included. */
  async calls(): Promise<Map<string, number>> {
    const calls = new Map<string, number>();
    for (const text of await this.all('INFO', 'commandstats')) {
      for (const [, name = '', count] of String(text).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm))
        calls.set(name, (calls.get(name) ?? 0) + Number(count));
    }
    return calls;
  }

  /** A server that is gone. */
  forget(index: number): void {
    for (const client of this.clients.splice(index, 1)) client.disconnect();
  }

  close(): void {
    for (const client of this.clients) client.disconnect();
  }
}

/** `url` with the user and the password of the rules. */
export function asUser(url: string): string {
  return url.replace('://', '://wmbp:change-me@');
}

/** Two nodes do once whatever nodes do with Redis. Answers what failed. */
export async function doEverything(url: string, code: RoomCode): Promise<string[]> {
  const failures: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    // Nothing more is learnt, and everything takes its time.
    if (failures.some((failure) => failure.includes('out of reach'))) return;
    await work().catch((error: unknown) => failures.push(`${what}: ${String(error)}`));
  };
  const here = drawNodeId();
  const there = drawNodeId();
  const openNode = (node: NodeId): Shared =>
    openRedis(
      parseRedisUrl(url),
      node,
      SILENT,
      () => undefined,
      () => undefined,
    );
  const near = openNode(here);
  const far = openNode(there);
  try {
    await attempt('renew', () => near.leases.renew());
    await attempt('renew again', () => near.leases.renew());
    await attempt('areHeld', () => near.leases.areHeld([here, there]));
    await attempt('talk', () => talk(near, far, code, there));
    await playRoom(near, far, code, here, there, attempt);
  } finally {
    await attempt('release', () => far.leases.release());
    await near.close();
    await far.close();
  }
  return failures;
}

type Attempt = (what: string, work: () => Promise<unknown>) => Promise<void>;

async function playRoom(
  near: Shared,
  far: Shared,
  code: RoomCode,
  here: NodeId,
  there: NodeId,
  attempt: Attempt,
): Promise<void> {
  const room = { code, epoch: drawEpoch(), name: 'quiz', maxPlayers: 8, hostNode: here };
  const { epoch } = room;
  await attempt('create', () => near.store.create(room));
  for (const [shared, node] of [
    [near, here],
    [far, there],
    [far, there],
  ] as const)
    await attempt('join', () => shared.store.join(code, node));
  await attempt('leave', () => far.store.leave(code, epoch, 2 as never));
  await attempt('find', () => far.store.find(code));
  await attempt('seatedNodes', () => far.store.seatedNodes(code));
  await attempt('lock', () => near.store.lock(code, epoch));
  await attempt('keep', () => near.store.keep(code));
  await attempt('assertPlayers', () => far.store.assertPlayers(code, epoch, there, []));
  const assertion = { ...room, openedAtMs: 1, isLocked: true, nextPlayer: 9, members: [[7, there]] as never };
  // The seat of player 1 is given back; then the room is gone, and restored.
  await attempt('assertRoom', () => near.store.assertRoom(assertion, true));
  await attempt('reap', () => near.store.reap(code, epoch, there));
  await attempt('close', () => near.store.close(code, epoch));
  await attempt('restore', () => near.store.assertRoom(assertion, true));
  await attempt('close again', () => near.store.close(code, epoch));
}

async function talk(near: Shared, far: Shared, code: RoomCode, there: NodeId): Promise<void> {
  const channel = channelOf(code, there);
  let hear = (): void => undefined;
  const heard = new Promise<void>((resolve) => (hear = resolve));
  await far.backplane.subscribe(channel, () => hear());
  const published = new Promise((resolve) => near.backplane.publish(channel, Uint8Array.of(1), resolve));
  if ((await within('the answer', published, 2000)) !== 1) throw new Error('not published');
  await within('the envelope', heard, 2000);
  await far.backplane.unsubscribe(channel);
}
