/**
 * Raw pub/sub: the least that moves bytes from one process to another with ioredis. A process has one role:
 *
 * - `publish` sends turn by turn, each turn as many publishes as it is told, the next turn when all of them are
 *   answered; `hear` counts what comes. Nothing is decoded but the number at the head of each publish.
 * - `ping` publishes at a fixed rate and takes the time until the answer; `echo` publishes what it hears, as it is.
 *
 * It prints `listening` when it is ready and, on SIGTERM, what it has to say as JSON.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createPayload, readSequence, readStream, writeSequence } from './payload.ts';
import { quantile } from './statistics.ts';
import { createIntegrity, Stream, type Integrity } from './tally.ts';

export interface RawJob {
  readonly role: 'publish' | 'hear' | 'ping' | 'echo';
  readonly url: string;
  readonly channels: number;
  /** An average, as is the next. */
  readonly publishBytes: number;
  readonly publishesPerTurn: number;
  /** The publishes of a turn leave in one write; ioredis by itself makes one for each. */
  readonly isCorked: boolean;
  /** Of `ping`. */
  readonly ratePerSecond: number;
  readonly warmupMs: number;
}

export interface RawReport {
  readonly publishes: number;
  readonly integrity: Integrity;
  readonly medianUs: number;
}

/** What was published before must have been heard by then. */
const QUIET_MS = 200;
const TICK_MS = 1;

const job = JSON.parse(process.argv[2] ?? '{}') as RawJob;
const options = { enableOfflineQueue: true, autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 };
const integrity = createIntegrity();
let isRunning = true;
let publishes = 0;
const latenciesUs: number[] = [];

process.once('SIGTERM', () => {
  isRunning = false;
  void wait(QUIET_MS).then(() => {
    latenciesUs.sort((a, b) => a - b);
    const report: RawReport = { publishes, integrity, medianUs: quantile(latenciesUs, 0.5) };
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  });
});

switch (job.role) {
  case 'publish':
    await publishInTurns(new Redis(job.url, options));
    break;
  case 'hear':
    await hear(new Redis(job.url, options));
    break;
  case 'ping':
    await ping(new Redis(job.url, options), new Redis(job.url, options));
    break;
  case 'echo':
    await echo(new Redis(job.url, options), new Redis(job.url, options));
}

async function publishInTurns(redis: Redis): Promise<void> {
  await redis.ping();
  console.log('listening');
  const channels = channelNames('there').map((name, stream) => ({
    name,
    payload: Buffer.from(createPayload(stream, Math.round(job.publishBytes)).buffer),
    sequence: 0,
  }));
  let due = 0;
  while (isRunning) {
    due += job.publishesPerTurn;
    const answers: Promise<number>[] = [];
    if (job.isCorked) redis.stream.cork();
    for (; due >= 1; due--) {
      const channel = channels[publishes++ % channels.length];
      if (!channel) return;
      writeSequence(channel.payload, 0, 1, ++channel.sequence);
      answers.push(redis.publish(channel.name, channel.payload));
    }
    if (job.isCorked) redis.stream.uncork();
    await Promise.all(answers);
  }
}

async function hear(redis: Redis): Promise<void> {
  const streams = channelNames('there').map(() => new Stream(integrity));
  redis.on('messageBuffer', (_channel, message: Buffer) => {
    publishes += 1;
    streams[readStream(message, 0, 1)]?.received(readSequence(message, 0, 1));
  });
  await redis.subscribe(...channelNames('there'));
  console.log('listening');
}

async function ping(publisher: Redis, subscriber: Redis): Promise<void> {
  const names = channelNames('there');
  const payload = Buffer.from(createPayload(0, Math.round(job.publishBytes)).buffer);
  const sentAt = new Float64Array(1 << 16);
  let sent = 0;
  const stream = new Stream(integrity);
  const startedAt = performance.now();
  subscriber.on('messageBuffer', (_channel, message: Buffer) => {
    const sequence = readSequence(message, 0, 1);
    const now = performance.now();
    stream.received(sequence);
    if (now - startedAt > job.warmupMs)
      latenciesUs.push((now - (sentAt[sequence % sentAt.length] ?? 0)) * 1000);
  });
  await subscriber.subscribe(...channelNames('back'));
  console.log('listening');
  setInterval(() => {
    const due = ((performance.now() - startedAt) * job.ratePerSecond) / 1000;
    for (; sent < due && isRunning; sent++) {
      writeSequence(payload, 0, 1, sent + 1);
      sentAt[(sent + 1) % sentAt.length] = performance.now();
      void publisher.publish(names[sent % names.length] ?? '', payload);
      publishes += 1;
    }
  }, TICK_MS);
}

async function echo(publisher: Redis, subscriber: Redis): Promise<void> {
  const answers = new Map(channelNames('there').map((name, i) => [name, channelNames('back')[i] ?? '']));
  subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) => {
    publishes += 1;
    void publisher.publish(answers.get(channel.toString('latin1')) ?? '', message);
  });
  await subscriber.subscribe(...answers.keys());
  console.log('listening');
}

function channelNames(way: 'there' | 'back'): string[] {
  // As long as the gateway's.
  return Array.from({ length: job.channels }, (_, i) => `raw:{1234}:${String(i).padStart(4, '0')}:${way}`);
}
