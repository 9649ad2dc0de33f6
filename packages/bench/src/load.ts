/** The load process: runs one job (a JSON document as its argument) and prints its sample. */
import { runBursts } from './bursts.ts';
import { runChurn } from './churn.ts';
import { runCreates } from './creates.ts';
import { runEchoLatency } from './echo-latency.ts';
import { runIdleMemory } from './idle-memory.ts';
import type { Job, Sample } from './job.ts';
import { runOpenings } from './openings.ts';

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const sample = await run(job);
process.stdout.write(`${JSON.stringify(sample)}\n`, () => process.exit(0));

function run(job: Job): Promise<Sample> {
  switch (job.scenario) {
    case 'churn':
      return runChurn(job);
    case 'creates':
      return runCreates(job);
    case 'openings':
      return runOpenings(job);
    case 'echo-latency':
      return runEchoLatency(job);
    case 'idle-memory':
      return runIdleMemory(job);
    default:
      return runBursts(job);
  }
}
