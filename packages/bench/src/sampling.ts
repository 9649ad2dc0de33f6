/** One sample: a fresh server, a fresh load process, one job. */
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Cores } from './cores.ts';
import type { Job, Sample } from './job.ts';
import type { Options, Subject } from './options.ts';
import type { Scenario } from './scenarios.ts';
import { startServer } from './server.ts';

/** Beyond warming up and measuring: opening rooms, noticing a stall. */
const SLACK_MS = 45_000;
const LOAD = fileURLToPath(new URL('load.ts', import.meta.url));

/** @throws {Error} when the subject does not listen, or hangs or ends before there is a sample. */
export async function takeSample(
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
    const load = { warmupMs, measureMs, rooms, players, window, payloadBytes, ratePerSecond, sockets };
    return await runLoad({ scenario: name, port: server.port, serverPid: server.pid, ...load }, cores.load);
  } finally {
    await server.stop();
  }
}

async function runLoad(job: Job, pinning: readonly string[]): Promise<Sample> {
  let sample: Sample | undefined;
  const command = [...pinning, process.execPath, LOAD, JSON.stringify(job)];
  const child = new Child(command, process.env, (line) => (sample = JSON.parse(line) as Sample));
  const deadlineMs = job.warmupMs + 2 * job.measureMs + SLACK_MS;
  let why = 'the load ended without a sample';
  const timer = setTimeout(() => {
    why = `no sample within ${deadlineMs} ms`;
    void child.stop();
  }, deadlineMs);
  await child.ended;
  clearTimeout(timer);
  if (!sample) throw new Error(`${why}\n${child.lastWords}`);
  return sample;
}
