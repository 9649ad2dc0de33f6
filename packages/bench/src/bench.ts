/** The run: scenario by scenario, round by round, bare relay and subject in turns. */
import { cpus } from 'node:os';
import { compare, findDoubts, type Pair, type Row } from './comparison.ts';
import type { Cores } from './cores.ts';
import type { Sample } from './job.ts';
import type { Options, Subject } from './options.ts';
import { describeSample } from './report.ts';
import { takeSample } from './sampling.ts';
import type { Scenario } from './scenarios.ts';
import { isWhole } from './tally.ts';

export interface Results {
  readonly at: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly pinning: string;
  };
  readonly options: Omit<Options, 'scenarios'>;
  readonly rows: readonly Row[];
  readonly doubts: readonly string[];
  /** Scenarios in which a frame was lost, doubled, reordered or damaged, or a socket closed. */
  readonly broken: readonly string[];
  readonly samples: Readonly<Record<string, readonly Pair[]>>;
}

export async function runBench(
  options: Options,
  cores: Cores,
  print: (line: string) => void,
): Promise<Results> {
  const samples: Record<string, Pair[]> = {};
  for (const scenario of options.scenarios) {
    const pairs: Pair[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const sample = async (subject: Subject): Promise<Sample> => {
        const taken = await takeSample(subject, scenario, options, cores);
        const step = `${scenario.name} ${round + 1}/${options.rounds} ${subject}`;
        print(`${step.padEnd(32)} ${describeSample(scenario, taken)}`);
        return taken;
      };
      pairs.push(await takePair(sample, options, round));
    }
    samples[scenario.name] = pairs;
  }
  return summarize(options, cores, samples);
}

/** The one that went second goes first in the next round. */
async function takePair(
  sample: (subject: Subject) => Promise<Sample>,
  options: Options,
  round: number,
): Promise<Pair> {
  if (round % 2 === 0) {
    const bare = await sample(options.against);
    return { bare, subject: await sample(options.subject) };
  }
  const subject = await sample(options.subject);
  return { bare: await sample(options.against), subject };
}

function summarize(options: Options, cores: Cores, samples: Record<string, readonly Pair[]>): Results {
  const { scenarios, ...shown } = options;
  const pairsOf = (scenario: Scenario): readonly Pair[] => samples[scenario.name] ?? [];
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    pinning: cores.description,
  };
  return {
    at: new Date().toISOString(),
    machine,
    options: shown,
    rows: scenarios.flatMap((scenario) => compare(scenario, pairsOf(scenario))),
    doubts: scenarios.flatMap((scenario) => findDoubts(scenario, pairsOf(scenario))),
    broken: scenarios.filter((scenario) => pairsOf(scenario).some(isBroken)).map(({ name }) => name),
    samples,
  };
}

function isBroken({ bare, subject }: Pair): boolean {
  return [bare, subject].some(({ integrity }) => !isWhole(integrity));
}
