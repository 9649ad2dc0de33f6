/** All faults in any order, and two at once, for a long time: what arrives stays exact, and memory stays flat. */
import { expect } from '@jest/globals';
import {
  seeded,
  startProxy,
  startRedisCluster,
  startRedisProcess,
  startRedisSentinels,
  type RedisNode,
} from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { print, readSeries } from './fault-figures.ts';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { INSPECTED, liveHeapMib } from './live-heap.ts';
import { atOnce, lasting, Processes } from './processes.ts';

const FOR_MS = IS_FULL ? 600_000 : 20_000;
const SEED = Number(process.env['WMBP_SOAK_SEED'] ?? Date.now() % 1_000_000);
/** Of what is not garbage. A room, its peers and links are some KiB; what is sent again is gone when it has arrived. */
const MAX_HEAP_GROWTH_MIB = 8;
/** Of resident memory, once V8 has taken what it keeps for itself: garbage that nobody is in a hurry to collect. */
const MAX_GROWTH_MIB = 64;
const WARM_AFTER = 0.2;
/** With what it takes until then. */
const MAX_GROWTH_IN_ALL_MIB = 200;
/** Twice the time, for machines that do something else as well. */
const DEADLINE_MS = 2 * FOR_MS + 180_000;

/** Breaks something, and has mended it when it resolves. */
type Fault = (ms: number) => Promise<void>;
type Faults = Readonly<Record<string, Fault>>;

atOnce(
  {
    'one redis behind a network': oneRedis,
    ...(IS_FULL ? { 'a master and a replica under sentinels': sentinels, 'a cluster': cluster } : {}),
  },
  Infinity,
  DEADLINE_MS,
);

async function oneRedis(): Promise<void> {
  const redis = await startRedisProcess();
  const proxy = await startProxy(redis.port);
  const client = new Redis(redis.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  const killing = (type: string) => async (ms: number) => {
    for (let spentMs = 0; spentMs < ms; spentMs += 500) {
      await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
      await lasting(500);
    }
  };
  const faults: Faults = {
    'redis hangs': (ms) => hanging(redis, ms),
    'redis comes back empty': async (ms) => {
      redis.signal('SIGKILL');
      await lasting(ms);
      await redis.restart();
    },
    'CLIENT KILL TYPE pubsub': killing('pubsub'),
    'CLIENT KILL TYPE normal': killing('normal'),
    'CLIENT PAUSE': async (ms) => void (await client.call('CLIENT', 'PAUSE', Math.ceil(ms))),
    'SCRIPT FLUSH': async () => void (await client.script('FLUSH')),
    'maxmemory reached': async (ms) => {
      await client.config('SET', 'maxmemory', 1);
      await lasting(ms);
      await client.config('SET', 'maxmemory', 0);
    },
    READONLY: async (ms) => {
      await client.replicaof('127.0.0.1', 1);
      await lasting(ms);
      await client.replicaof('NO', 'ONE');
    },
    'connections reset': (ms) => passing(ms, () => proxy.reset()),
    'connections refused': async (ms) => {
      await proxy.refuse();
      proxy.reset();
      await passing(ms, () => proxy.heal());
    },
    'answers held': (ms) =>
      passing(
        ms,
        () => proxy.heal(),
        () => proxy.hold('answers'),
      ),
    'nothing passes': (ms) =>
      passing(
        ms,
        () => proxy.heal(),
        () => proxy.hold('requests', 'answers'),
      ),
    'answers lost': (ms) =>
      passing(
        ms,
        () => proxy.heal(),
        () => proxy.swallowAnswers(),
      ),
    'a slow way': (ms) =>
      passing(
        ms,
        () => proxy.heal(),
        () => proxy.delay(200, 100, SEED),
      ),
  };
  try {
    await soak('one redis', `redis://127.0.0.1:${proxy.port}`, faults);
  } finally {
    client.disconnect();
    await proxy.stop();
    await redis.stop();
  }
}

async function sentinels(): Promise<void> {
  const group = await startRedisSentinels();
  const pair = [group.master, group.replica];
  const faults: Faults = {
    // Either may be the master by now.
    'the one that was the master hangs': (ms) => hanging(group.master, ms),
    'the one that was the replica hangs': (ms) => hanging(group.replica, ms),
    'connections are dropped': async () => {
      for (const { port } of pair) await droppingAll(port);
    },
  };
  try {
    await soak('sentinels', group.url, faults);
  } finally {
    await group.stop();
  }
}

async function cluster(): Promise<void> {
  const six = await startRedisCluster();
  const [first, second] = six.nodes as [RedisNode, RedisNode];
  const faults: Faults = {
    'one that was a master hangs': (ms) => hanging(first, ms),
    'another that was a master hangs': (ms) => hanging(second, ms),
    'connections are dropped': async () => {
      for (const { port } of six.nodes) await droppingAll(port);
    },
  };
  try {
    await soak('cluster', six.url, faults);
  } finally {
    await six.stop();
  }
}

async function soak(where: string, url: string, faults: Faults): Promise<void> {
  print(`soak of ${where}`, `WMBP_SOAK_SEED=${SEED}`);
  const random = seeded(SEED);
  const size = IS_FULL ? { everyMs: 200 } : {};
  const play = async (party: FaultParty): Promise<void> => {
    const all: Faults = { ...faults, 'a gateway is frozen': (ms) => freezing(party, ms) };
    const names = Object.keys(all);
    const draw = (): string => names[Math.floor(random() * names.length)] ?? '';
    const heapBefore = await liveHeaps(party);
    const startMs = performance.now();
    const before = await residentMib(party);
    let warm = before;
    let isWarm = false;
    while (performance.now() < startMs + FOR_MS) {
      const drawn = new Set(random() < 0.5 ? [draw()] : [draw(), draw()]);
      const ms = 500 + random() * 4500;
      await party.through(`soak of ${where}: ${[...drawn].join(' and ')}, ${ms.toFixed(0)} ms`, async () => {
        await Promise.all([...drawn].map(async (name) => await all[name]?.(ms)));
      });
      await party.fill();
      if (isWarm || performance.now() < startMs + WARM_AFTER * FOR_MS) continue;
      isWarm = true;
      warm = await residentMib(party);
    }
    const after = await residentMib(party);
    const heapAfter = await liveHeaps(party);
    print(
      `soak of ${where}`,
      `resident MiB ${shownMib(before)} before, ${shownMib(warm)} once warm, ${shownMib(after)} afterwards`,
    );
    print(
      `soak of ${where}`,
      `live heap MiB ${shownMib(heapBefore)} before, ${shownMib(heapAfter)} afterwards`,
    );
    expectFlat(before, after, MAX_GROWTH_IN_ALL_MIB);
    expectFlat(warm, after, MAX_GROWTH_MIB);
    expectFlat(heapBefore, heapAfter, MAX_HEAP_GROWTH_MIB);
  };
  await Processes.play(3, url, (nodes) => FaultParty.on(nodes, play, size), INSPECTED);
}

async function passing(
  ms: number,
  mend: () => void | Promise<void>,
  begin: () => void = () => undefined,
): Promise<void> {
  begin();
  await lasting(ms);
  await mend();
}

async function hanging({ signal }: Pick<RedisNode, 'signal'>, ms: number): Promise<void> {
  signal('SIGSTOP');
  await lasting(ms);
  signal('SIGCONT');
}

async function freezing({ nodes }: FaultParty, ms: number): Promise<void> {
  const index = Math.floor(ms) % nodes.servers.length;
  nodes.kill(index, 'SIGSTOP');
  await lasting(ms);
  nodes.kill(index, 'SIGCONT');
}

async function droppingAll(port: number): Promise<void> {
  const client = new Redis(port);
  await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  client.disconnect();
}

async function residentMib({ nodes }: FaultParty): Promise<number[]> {
  const all = await Promise.all(nodes.servers.map((server) => readSeries(server, 'process_resident')));
  return all.map((series) => (series.get('process_resident_memory_bytes') ?? NaN) / 2 ** 20);
}

function liveHeaps({ nodes }: FaultParty): Promise<number[]> {
  return Promise.all(nodes.servers.map(liveHeapMib));
}

function shownMib(sizes: readonly number[]): string {
  return sizes.map((mib) => mib.toFixed(0)).join(', ');
}

function expectFlat(before: readonly number[], after: readonly number[], maxGrowth: number): void {
  for (const [index, mib] of after.entries()) expect(mib).toBeLessThan((before[index] ?? 0) + maxGrowth);
}
