/** The run of `pnpm bench cluster`: scenario by scenario, round by round, all subjects in turns. */
import { cpus } from 'node:os';
import type { ClusterOptions } from './cluster-options.ts';
import {
  compareRounds,
  describeClusterSample,
  OTHER_GATEWAY,
  type ClusterRow,
  type Round,
} from './cluster-rows.ts';
import {
  sampleNodes,
  sampleRaw,
  sampleRawLatency,
  type ClusterSample,
  type Shape,
} from './cluster-sampling.ts';
import type { ClusterScenario } from './cluster-scenarios.ts';
import type { Cores } from './cores.ts';
import { isWhole } from './tally.ts';

export interface ClusterResults {
  readonly at: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly node: string;
    readonly pinning: string;
  };
  readonly options: Omit<ClusterOptions, 'scenarios'>;
  readonly rows: readonly ClusterRow[];
  readonly doubts: readonly string[];
  /** Scenarios in which something was lost, doubled, reordered or damaged, or a socket closed. */
  readonly broken: readonly string[];
  readonly samples: Readonly<Record<string, readonly Round[]>>;
}

/** More than this of the gateways' time, something else had their core. */
const WAITED = 0.1;
const FEW_ROOMS = 100;

export async function runClusterBench(
  options: ClusterOptions,
  cores: Cores,
  print: (line: string) => void,
): Promise<ClusterResults> {
  const samples: Record<string, Round[]> = {};
  for (const scenario of options.scenarios) {
    const rounds: Round[] = [];
    const count = scenario.kind === 'creates' ? 1 : options.rounds;
    for (let number = 0; number < count; number++) {
      const tell = (subject: string, sample: ClusterSample): void => {
        const step = `${scenario.name} ${number + 1}/${count} ${subject}`;
        print(`${step.padEnd(32)} ${describeClusterSample(sample)}`);
      };
      rounds.push(await takeRound(scenario, number, options, cores, tell));
    }
    samples[scenario.name] = rounds;
  }
  const { scenarios, ...shown } = options;
  const roundsOf = ({ name }: ClusterScenario): readonly Round[] => samples[name] ?? [];
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
    rows: scenarios.flatMap((scenario) => compareRounds(scenario, roundsOf(scenario))),
    doubts: scenarios.flatMap((scenario) => findDoubts(scenario, roundsOf(scenario))),
    broken: scenarios.filter((scenario) => roundsOf(scenario).some(isBroken)).map(({ name }) => name),
    samples,
  };
}

/**
 * Subjects in turns: who came first comes last in the next round, and the other gateway before or after the cluster. Raw
 * pub/sub needs the cluster's batching first.
 */
async function takeRound(
  scenario: ClusterScenario,
  number: number,
  options: ClusterOptions,
  cores: Cores,
  tell: (subject: string, sample: ClusterSample) => void,
): Promise<Round> {
  const round: Record<string, ClusterSample> = {};
  const take = async (subject: string): Promise<void> => {
    const sample = await takeSample(subject, scenario, round, options, cores);
    tell(subject, sample);
    round[subject] = sample;
  };
  for (const subject of inTurns(scenario, number, options.againstGateway !== undefined)) await take(subject);
  return round;
}

function subjectsOf({ kind }: ClusterScenario): readonly [string, ...string[]] {
  switch (kind) {
    case 'crossing':
      return ['one node', 'cluster', 'raw', 'raw corked'];
    case 'latency':
      return ['one node', 'cluster', 'raw'];
    case 'openings':
      return ['one node', 'cluster'];
    case 'growth':
      return ['few rooms', 'many rooms'];
    case 'creates':
      return ['three nodes'];
  }
}

function inTurns(scenario: ClusterScenario, number: number, hasOther: boolean): readonly string[] {
  const [first, ...rest] = subjectsOf(scenario);
  const other =
    hasOther && (scenario.kind === 'crossing' || scenario.kind === 'latency') ? [OTHER_GATEWAY] : [];
  return number % 2 === 0
    ? [first, ...other, ...rest]
    : [...rest.slice(0, 1), ...other, ...rest.slice(1), first];
}

async function takeSample(
  subject: string,
  scenario: ClusterScenario,
  round: Round,
  options: ClusterOptions,
  cores: Cores,
): Promise<ClusterSample> {
  if (subject.startsWith('raw')) {
    if (scenario.kind === 'latency') return await sampleRawLatency(options, cores);
    const batching = round['cluster']?.batching ?? { framesPerPublish: 1, publishesPerRead: 1 };
    return await sampleRaw(batching, subject === 'raw corked', options, cores);
  }
  return await sampleNodes(scenario, shapeOf(subject, scenario, options), options, cores);
}

function shapeOf(subject: string, scenario: ClusterScenario, options: ClusterOptions): Shape {
  const { rooms, manyRooms, openings, creates } = options;
  const sockets = scenario.kind === 'creates' ? creates : openings * (scenario.players + 1);
  const checkout = subject === OTHER_GATEWAY ? options.againstGateway : undefined;
  const shape = { rooms, roomsInFlight: rooms, sockets, nodes: 2, isShared: true, checkout };
  switch (subject) {
    case 'one node':
      return { ...shape, nodes: 1, isShared: false };
    case 'few rooms':
      return { ...shape, rooms: FEW_ROOMS, roomsInFlight: FEW_ROOMS };
    case 'many rooms':
      return { ...shape, rooms: manyRooms, roomsInFlight: FEW_ROOMS };
    case 'three nodes':
      return { ...shape, nodes: 3 };
    default:
      return shape;
  }
}

function findDoubts({ name }: ClusterScenario, rounds: readonly Round[]): string[] {
  const samples = rounds.flatMap((round) => Object.values(round));
  const waited = samples.filter(({ serverWaited }) => serverWaited >= WAITED).length;
  if (waited === 0) return [];
  return [`${name}: something else ran on the gateways' core in ${waited} of ${samples.length} samples`];
}

function isBroken(round: Round): boolean {
  return Object.values(round).some(({ integrity }) => !isWhole(integrity));
}
