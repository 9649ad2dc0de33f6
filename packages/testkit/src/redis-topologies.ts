/** Redis as operators run it: a cluster of six, and a master with a replica under three sentinels. */
import { execFile, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { within } from './deadline.ts';
import { type ServerBinary } from './debian-binary.ts';
import { findRedisServer, freePort, spawnRedis, stopChild, type TestRedis } from './redis.ts';

const run = promisify(execFile);

export interface RedisNode {
  readonly port: number;
  signal(signal: NodeJS.Signals): void;
}

/** Six nodes: three masters, each with a replica. */
export interface RedisCluster extends TestRedis {
  readonly nodes: readonly RedisNode[];
  /**
   * Gives a slot with its keys to another master, as resharding does; resolves when every node knows.
   * @param halfway awaited when half of the keys have moved
   */
  moveSlot(slot: number, from: RedisNode, to: RedisNode, halfway?: () => Promise<void>): Promise<void>;
  /** Gives so many of a master's slots to another one, with the tool that operators use; all know afterwards. */
  reshard(slots: number, from: RedisNode, to: RedisNode): Promise<void>;
}

export interface RedisSentinels extends TestRedis {
  readonly master: RedisNode;
  readonly replica: RedisNode;
  /**
   * The replica becomes the master and the other way round by hand: nobody is disconnected, and sentinels tell only
   * who asks them.
   */
  swapByHand(): Promise<void>;
}

const FAILOVER_MS = 1000;
/** Whoever lets nothing fail wants nothing taken for dead, on a machine that does something else as well. */
export const NO_FAILOVER_MS = 60_000;

export interface ClusterOptions {
  /** Another one than the `redis-server` of this machine. */
  readonly server?: ServerBinary | undefined;
  /** A master that is silent for so long is taken for dead. */
  readonly failoverMs?: number;
}

export async function startRedisCluster({
  server,
  failoverMs = FAILOVER_MS,
}: ClusterOptions = {}): Promise<RedisCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-cluster-'));
  const started: Started[] = [];
  const stop = (): Promise<void> => stopAll(started, folder);
  try {
    for (let index = 0; index < 6; index += 1) {
      const args = ['--cluster-enabled', 'yes', '--cluster-config-file', join(folder, `${index}.conf`)];
      args.push('--cluster-node-timeout', String(failoverMs), '--repl-diskless-sync-delay', '0');
      started.push(await startOne(args, server));
    }
    const addresses = started.map(({ port }) => `127.0.0.1:${port}`);
    await cli(['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
    for (const { port } of started) {
      await until(`the cluster to be sound on ${port}`, port, 'cluster info', /cluster_state:ok/);
      await until(
        `replicas to be in step on ${port}`,
        port,
        'info replication',
        /role:master|link_status:up/,
      );
    }
    const url = `redis-cluster://${addresses.join(',')}`;
    const nodes = started.map(asNode);
    return {
      url,
      nodes,
      moveSlot: (...move) => moveSlot(nodes, ...move),
      reshard: (...move) => reshard(nodes, ...move),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function startRedisSentinels(): Promise<RedisSentinels> {
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-sentinel-'));
  const started: Started[] = [];
  const stop = (): Promise<void> => stopAll(started, folder);
  try {
    const master = await startOne(['--repl-diskless-sync-delay', '0']);
    started.push(master);
    const replica = await startOne(['--replicaof', '127.0.0.1', String(master.port)]);
    started.push(replica);
    await until('the replica to be in step', replica.port, 'info replication', /master_link_status:up/);
    const ports: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      const port = await freePort();
      const file = join(folder, `${index}.conf`);
      await writeFile(file, sentinelConfig(port, master.port, folder));
      started.push({ port, child: await spawnRedis(port, [], [file, '--sentinel']) });
      ports.push(port);
    }
    for (const port of ports) {
      await until('sentinels to know each other', port, 'sentinel master party', /num-other-sentinels\s+2/);
      await until('sentinels to know the replica', port, 'sentinel master party', /num-slaves\s+1/);
    }
    const addresses = ports.map((port) => `127.0.0.1:${port}`);
    const url = `redis-sentinel://${addresses.join(',')}/party`;
    const swapByHand = (): Promise<void> => swapMaster(ports, master.port, replica.port);
    return { url, master: asNode(master), replica: asNode(replica), swapByHand, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function moveSlot(
  nodes: readonly RedisNode[],
  slot: number,
  from: RedisNode,
  to: RedisNode,
  halfway?: () => Promise<void>,
): Promise<void> {
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await ask(to.port, `cluster setslot ${slot} importing ${fromId}`);
  await ask(from.port, `cluster setslot ${slot} migrating ${toId}`);
  if (halfway) {
    const count = Number(await ask(from.port, `cluster countkeysinslot ${slot}`));
    await moveKeys(slot, from, to, Math.ceil(count / 2));
    await halfway();
  }
  while ((await moveKeys(slot, from, to, 100)) > 0);
  // The new owner first: no node may believe that nobody has it.
  for (const { port } of [to, from]) await ask(port, `cluster setslot ${slot} node ${toId}`);
  for (const { port } of nodes) {
    while (!(await slotsOf(port, toId)).has(slot)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Answers how many were moved. */
async function moveKeys(slot: number, from: RedisNode, to: RedisNode, atMost: number): Promise<number> {
  const keys = (await ask(from.port, `cluster getkeysinslot ${slot} ${atMost}`)).split('\n').filter(Boolean);
  if (keys.length > 0)
    await ask(from.port, ['migrate', '127.0.0.1', to.port, '', 0, 5000, 'keys', ...keys].join(' '));
  return keys.length;
}

async function reshard(
  nodes: readonly RedisNode[],
  slots: number,
  from: RedisNode,
  to: RedisNode,
): Promise<void> {
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  const what = ['--cluster-from', fromId, '--cluster-to', toId, '--cluster-slots', String(slots)];
  await cli(['--cluster', 'reshard', `127.0.0.1:${from.port}`, ...what, '--cluster-yes']);
  const { size } = await slotsOf(to.port, toId);
  for (const { port } of nodes) {
    while ((await slotsOf(port, toId)).size !== size) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function swapMaster(sentinels: readonly number[], master: number, replica: number): Promise<void> {
  for (const port of sentinels) await ask(port, 'sentinel remove party');
  await ask(replica, 'replicaof no one');
  await ask(master, `replicaof 127.0.0.1 ${replica}`);
  for (const port of sentinels) {
    await ask(port, `sentinel monitor party 127.0.0.1 ${replica} 2`);
    await ask(port, `sentinel set party down-after-milliseconds ${FAILOVER_MS}`);
  }
}

async function stopAll(started: readonly Started[], folder: string): Promise<void> {
  await Promise.all(started.map(({ child }) => stopChild(child)));
  await rm(folder, { recursive: true, force: true });
}

interface Started {
  readonly port: number;
  readonly child: ChildProcess;
}

function asNode({ port, child }: Started): RedisNode {
  return { port, signal: (signal) => void child.kill(signal) };
}

async function startOne(args: readonly string[], server?: ServerBinary): Promise<Started> {
  const port = await freePort();
  return { port, child: await spawnRedis(port, args, undefined, server) };
}

function sentinelConfig(port: number, masterPort: number, folder: string): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor party 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds party ${FAILOVER_MS}`,
    `sentinel failover-timeout party ${5 * FAILOVER_MS}`,
    '',
  ].join('\n');
}

async function cli(args: readonly string[]): Promise<string> {
  const { path, env } = await findRedisServer();
  const binary = path.replace(/redis-server$/, 'redis-cli');
  return (await run(binary, [...args], { env: { ...process.env, ...env } })).stdout;
}

async function ask(port: number, command: string): Promise<string> {
  const answer = (await cli(['-p', String(port), ...command.split(' ')])).trim();
  if (/^(ERR|NOREPLICAS|IOERR|MOVED|ASK) /.test(answer)) throw new Error(`${command}: ${answer}`);
  return answer;
}

/** The slots that a master has, as the node on this port knows it. */
async function slotsOf(port: number, id: string): Promise<ReadonlySet<number>> {
  const lines = (await ask(port, 'cluster nodes')).split('\n');
  const ranges =
    lines
      .find((line) => line.startsWith(id))
      ?.split(' ')
      .slice(8) ?? [];
  const slots = new Set<number>();
  for (const range of ranges.filter((each) => !each.startsWith('['))) {
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let slot = first; slot <= last; slot += 1) slots.add(slot);
  }
  return slots;
}

function idOf({ port }: RedisNode): Promise<string> {
  return ask(port, 'cluster myid');
}

/** Redis tells of these states only when it is asked. */
async function until(what: string, port: number, command: string, answer: RegExp): Promise<void> {
  const asked = async (): Promise<void> => {
    while (!answer.test(await cli(['-p', String(port), ...command.split(' ')]))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await within(what, asked(), 20_000);
}
