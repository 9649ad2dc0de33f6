/** One sample of nodes under a load, or of raw pub/sub; each with fresh processes and a fresh Redis. */
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClusterOptions } from './cluster-options.ts';
import type { ClusterScenario } from './cluster-scenarios.ts';
import { Child } from './child.ts';
import type { Cores } from './cores.ts';
import type { Job, Sample } from './job.ts';
import { LONGEST_WARMUP_MS } from './meter.ts';
import { startNodes, type Nodes, type Program } from './nodes.ts';
import { cpuTimeOf, warmedUp } from './process-stat.ts';
import type { RawJob, RawReport } from './raw-pubsub.ts';
import { startRedis, type RedisCounts, type RedisServer } from './redis-server.ts';
import { describeIntegrity } from './report.ts';
import { runLoad } from './sampling.ts';
import { SubjectError } from './server.ts';
import { createIntegrity } from './tally.ts';

/** How frames were put together on their way, as Redis saw it. */
export interface Batching {
  readonly framesPerPublish: number;
  readonly publishesPerRead: number;
}

export interface ClusterSample extends Sample {
  /** undefined where nothing is published. */
  readonly batching: Batching | undefined;
}

export type Shape = Pick<Job, 'rooms' | 'roomsInFlight' | 'burstsInTurn' | 'sockets'> & {
  readonly program: Program;
  readonly nodes: number;
};

const MAX_ATTEMPTS = 3;
const START_MS = 10_000;
const RAW = fileURLToPath(new URL('raw-pubsub.ts', import.meta.url));

/** @throws {SubjectError} when a process hangs or ends, or the load ends without a sample */
export async function sampleNodes(
  scenario: ClusterScenario,
  shape: Shape,
  options: ClusterOptions,
  cores: Cores,
): Promise<ClusterSample> {
  for (let attempt = 1; ; attempt++) {
    const nodes = await startNodes(shape.program, shape.nodes, cores);
    try {
      const sample = await runJob(scenario, shape, options, nodes, cores);
      if (sample.failure === '') return sample;
      if (sample.wasStarved && attempt < MAX_ATTEMPTS) continue;
      const what = [sample.failure, describeIntegrity(sample), ...sample.remarks].join('; ');
      throw new SubjectError(`${shape.nodes} of ${shape.program.kind} in ${scenario.name}: ${what}`);
    } finally {
      await nodes.stop();
    }
  }
}

async function runJob(
  { kind, load, players, deliveriesPerItem }: ClusterScenario,
  { rooms, roomsInFlight, burstsInTurn, sockets }: Shape,
  { warmupMs, warmupCpuMs, measureMs, window, payloadBytes, ratePerSecond }: ClusterOptions,
  nodes: Nodes,
  cores: Cores,
): Promise<ClusterSample> {
  const { ports, pids: serverPids, redis } = nodes;
  const amounts = {
    rooms,
    roomsInFlight,
    burstsInTurn,
    players,
    window,
    payloadBytes,
    ratePerSecond,
    sockets,
  };
  const warmup = { warmupMs, warmupCpuMs: kind === 'crossing' ? warmupCpuMs : 0 };
  const isApart = redis === undefined;
  const job: Job = { scenario: load, ports, serverPids, isApart, ...warmup, measureMs, ...amounts };
  const counts: Promise<RedisCounts>[] = [];
  const sample = await runLoad(job, nodes, cores.load, () => {
    if (redis) counts.push(redis.counts());
  });
  const [before, after] = await Promise.all(counts);
  if (!before || !after) return { ...sample, batching: undefined };
  const publishes = after.publishes - before.publishes;
  const batching = {
    framesPerPublish: sample.units / deliveriesPerItem / publishes,
    publishesPerRead: Math.max(1, publishes / (after.reads - before.reads)),
  };
  return { ...sample, batching };
}

/**
 * One process publishes and one hears, as fast as they can: publishes per CPU second of both.
 * @param isCorked whether what is published in a turn leaves in one write
 */
export async function sampleRaw(
  batching: Batching,
  isCorked: boolean,
  options: ClusterOptions,
  cores: Cores,
): Promise<ClusterSample> {
  return await withRedis(cores, async (redis) => {
    const job = { ...rawJob(redis, batching, options), isCorked };
    const hearer = await startRaw({ ...job, role: 'hear' }, cores);
    const publisher = await startRaw({ ...job, role: 'publish' }, cores);
    const pids = [hearer.pid, publisher.pid];
    const isWarm = warmedUp(pids, options.warmupCpuMs);
    await wait(options.warmupMs);
    for (const deadline = performance.now() + LONGEST_WARMUP_MS; performance.now() < deadline; await wait(25))
      if (isWarm()) break;
    const before = { counts: await redis.counts(), cpu: cpuTimeOf(pids), wall: performance.now() };
    await wait(options.measureMs);
    const after = { counts: await redis.counts(), cpu: cpuTimeOf(pids), wall: performance.now() };
    const sent = await publisher.stop();
    const heard = await hearer.stop();
    const publishes = after.counts.publishes - before.counts.publishes;
    const usedMs = after.cpu.usedMs - before.cpu.usedMs;
    const lost = sent.publishes - (heard.publishes - heard.integrity.doubled);
    return {
      ...asSample({ perCpuSecond: (publishes / usedMs) * 1000 }, publishes),
      serverBusy: usedMs / (after.wall - before.wall),
      integrity: { ...heard.integrity, lost },
      batching: {
        ...batching,
        publishesPerRead: publishes / (after.counts.reads - before.counts.reads),
      },
    };
  });
}

/** One process publishes at a fixed rate what another publishes back. */
export async function sampleRawLatency(options: ClusterOptions, cores: Cores): Promise<ClusterSample> {
  return await withRedis(cores, async (redis) => {
    const batching = { framesPerPublish: 1, publishesPerRead: 1 };
    const job = rawJob(redis, batching, options);
    const echo = await startRaw({ ...job, role: 'echo' }, cores);
    const ping = await startRaw({ ...job, role: 'ping' }, cores);
    const pids = [echo.pid, ping.pid];
    await wait(options.warmupMs);
    const before = { cpu: cpuTimeOf(pids), wall: performance.now() };
    await wait(options.measureMs);
    const usedMs = cpuTimeOf(pids).usedMs - before.cpu.usedMs;
    const serverBusy = usedMs / (performance.now() - before.wall);
    const { medianUs, integrity, publishes } = await ping.stop();
    const { publishes: echoed } = await echo.stop();
    const sample = asSample({ medianUs }, publishes);
    return { ...sample, serverBusy, integrity: { ...integrity, lost: publishes - echoed }, batching };
  });
}

async function withRedis(
  cores: Cores,
  take: (redis: RedisServer) => Promise<ClusterSample>,
): Promise<ClusterSample> {
  const redis = await startRedis(cores.load);
  try {
    return await take(redis);
  } finally {
    await redis.stop();
  }
}

function rawJob(redis: RedisServer, batching: Batching, options: ClusterOptions): Omit<RawJob, 'role'> {
  return {
    url: redis.url,
    channels: options.rooms,
    publishBytes: batching.framesPerPublish * options.payloadBytes,
    publishesPerTurn: batching.publishesPerRead,
    isCorked: false,
    ratePerSecond: options.ratePerSecond,
    warmupMs: options.warmupMs,
  };
}

interface RawProcess {
  readonly pid: number;
  stop(): Promise<RawReport>;
}

async function startRaw(job: RawJob, cores: Cores): Promise<RawProcess> {
  let isListening = false;
  let report: RawReport | undefined;
  const command = [...cores.server, process.execPath, RAW, JSON.stringify(job)];
  const child = new Child(command, process.env, (line) => {
    if (line === 'listening') isListening = true;
    else report = JSON.parse(line) as RawReport;
  });
  const deadline = performance.now() + START_MS;
  while (!isListening && performance.now() < deadline) await wait(5);
  if (!isListening) {
    await child.stop();
    throw new SubjectError(`raw pub/sub (${job.role}) did not start: ${child.lastWords}`);
  }
  return {
    pid: child.pid,
    async stop() {
      await child.stop();
      if (report) return report;
      throw new SubjectError(`raw pub/sub (${job.role}) ended without a word: ${child.lastWords}`);
    },
  };
}

function asSample(values: Readonly<Record<string, number>>, units: number): Sample {
  const busy = { serverBusy: 0, serverWaited: 0, loadBusy: 0, wasStarved: false };
  return { values, units, ...busy, integrity: createIntegrity(), remarks: [], failure: '' };
}
