/** One sample: a fresh server, a fresh load process, one job. */
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Cores } from './cores.ts';
import { LONGEST_WARMUP_MS } from './meter.ts';
import { MARKS, type Job, type Mark, type Sample } from './job.ts';
import type { Options, Subject } from './options.ts';
import { describeIntegrity } from './report.ts';
import type { Scenario } from './scenarios.ts';
import { startServer, SubjectError, type Server } from './server.ts';

/** A server that never got its core is asked again so often. */
const MAX_ATTEMPTS = 3;
/** Beyond warming up and measuring: opening rooms, noticing a stall. */
const SLACK_MS = 45_000;
const LOAD = fileURLToPath(new URL('load.ts', import.meta.url));

/** @throws {SubjectError} when the subject hangs or ends, or the load ends without a sample. */
export async function takeSample(
  subject: Subject,
  scenario: Scenario,
  options: Options,
  cores: Cores,
): Promise<Sample> {
  for (let attempt = 1; ; attempt++) {
    const sample = await trySample(subject, scenario, options, cores);
    if (sample.failure === '') return sample;
    if (sample.wasStarved && attempt < MAX_ATTEMPTS) continue;
    const what = [sample.failure, describeIntegrity(sample), ...sample.remarks].join('; ');
    throw new SubjectError(`${subject} in ${scenario.name}: ${what}`);
  }
}

async function trySample(
  subject: Subject,
  scenario: Scenario,
  options: Options,
  cores: Cores,
): Promise<Sample> {
  const server = await startServer(subject, cores.server);
  try {
    const { name, players, roomShare } = scenario;
    const rooms = Math.max(1, Math.round(options.rooms * roomShare));
    const { warmupMs, measureMs, window, payloadBytes, ratePerSecond, sockets } = options;
    const load = {
      warmupMs,
      warmupCpuMs: 0,
      measureMs,
      rooms,
      roomsInFlight: rooms,
      burstsInTurn: 1,
      players,
      window,
      payloadBytes,
      ratePerSecond,
      sockets,
    };
    const nodes = { ports: [server.port], serverPids: [server.pid], isApart: false };
    const job = { scenario: name, ...nodes, ...load };
    return await runLoad(job, server, cores.load);
  } finally {
    await server.stop();
  }
}

/**
 * @param onMark called when the load begins and ends to measure
 * @throws {SubjectError} when the load ends without a sample
 */
export async function runLoad(
  job: Job,
  server: Pick<Server, 'ended'>,
  pinning: readonly string[],
  onMark: (mark: Mark) => void = () => {},
): Promise<Sample> {
  let sample: Sample | undefined;
  const command = [...pinning, process.execPath, LOAD, JSON.stringify(job)];
  const child = new Child(command, process.env, (line) => {
    const mark = MARKS.find((known) => known === line);
    if (mark) onMark(mark);
    else sample = JSON.parse(line) as Sample;
  });
  const deadlineMs =
    job.warmupMs + (job.warmupCpuMs > 0 ? LONGEST_WARMUP_MS : 0) + 2 * job.measureMs + SLACK_MS;
  let why = 'the load ended';
  const stop = (reason: string): void => {
    why = reason;
    void child.stop();
  };
  const timer = setTimeout(() => stop(`nothing within ${deadlineMs} ms`), deadlineMs);
  void server.ended.then((lastWords) => stop(`the server ended: ${lastWords}`));
  const lastWords = await child.ended;
  clearTimeout(timer);
  if (!sample) throw new SubjectError(`no sample of ${job.scenario}: ${why}. ${lastWords}`);
  return sample;
}
