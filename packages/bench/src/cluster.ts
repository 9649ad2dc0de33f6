/** The run of `pnpm bench cluster`: scenario by scenario, round by round, all subjects in turns. */
import { cpus } from 'node:os';
import { findClusterDoubts } from './cluster-doubts.ts';
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

const FEW_ROOMS = 100;
/** As often as in few rooms while the turn lasts; all rooms have one or two within two seconds. */
const BURSTS_IN_TURN = 8;

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
    doubts: scenarios.flatMap((scenario) => findClusterDoubts(scenario.name, roundsOf(scenario))),
    broken: scenarios.filter((scenario) => roundsOf(scenario).some(isBroken)).map(({ name }) => name),
    samples,
  };
}

/** Subjects in turns; raw pub/sub comes last, since it needs the cluster's batching. */
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

/** Who runs nodes under the same load. The cluster's neighbours are those that it is compared with most closely. */
function subjectsOf({ kind }: ClusterScenario, hasOther: boolean): readonly string[] {
  const other = hasOther ? [OTHER_GATEWAY] : [];
  switch (kind) {
    case 'crossing':
      return ['one node', 'nodes apart', ...other, 'cluster', 'raw relay', 'raw relay corked'];
    case 'latency':
      return ['one node', ...other, 'cluster', 'raw relay'];
    case 'openings':
      return ['one node', 'cluster'];
    case 'growth':
      return ['few rooms', 'many rooms', 'rare bursts'];
    case 'creates':
      return ['three nodes'];
  }
}

function rawSubjectsOf({ kind }: ClusterScenario): readonly string[] {
  switch (kind) {
    case 'crossing':
      return ['raw', 'raw corked'];
    case 'latency':
      return ['raw'];
    case 'openings':
    case 'growth':
    case 'creates':
      return [];
  }
}

/** Who came first comes last in the next round. */
function inTurns(scenario: ClusterScenario, number: number, hasOther: boolean): readonly string[] {
  const subjects = subjectsOf(scenario, hasOther);
  return [...(number % 2 === 0 ? subjects : subjects.toReversed()), ...rawSubjectsOf(scenario)];
}

async function takeSample(
  subject: string,
  scenario: ClusterScenario,
  round: Round,
  options: ClusterOptions,
  cores: Cores,
): Promise<ClusterSample> {
  if (rawSubjectsOf(scenario).includes(subject)) {
    if (scenario.kind === 'latency') return await sampleRawLatency(options, cores);
    const batching = round['cluster']?.batching ?? { framesPerPublish: 1, publishesPerRead: 1 };
    return await sampleRaw(batching, subject === 'raw corked', options, cores);
  }
  return await sampleNodes(scenario, shapeOf(subject, scenario, options), options, cores);
}

function shapeOf(subject: string, scenario: ClusterScenario, options: ClusterOptions): Shape {
  const { rooms, manyRooms, openings, creates } = options;
  const sockets = scenario.kind === 'creates' ? creates : openings * (scenario.players + 1);
  const gateway = { kind: 'gateway', isShared: true, checkout: undefined } as const;
  const shape: Shape = { program: gateway, nodes: 2, rooms, roomsInFlight: rooms, burstsInTurn: 1, sockets };
  switch (subject) {
    case 'one node':
      return { ...shape, program: { ...gateway, isShared: false }, nodes: 1 };
    case 'nodes apart':
      // One without a room would never be warm.
      return { ...shape, program: { ...gateway, isShared: false }, nodes: Math.min(2, rooms) };
    case OTHER_GATEWAY:
      return { ...shape, program: { ...gateway, checkout: options.againstGateway } };
    case 'raw relay':
    case 'raw relay corked':
      return { ...shape, program: { kind: 'raw relay', isCorked: subject === 'raw relay corked' } };
    case 'few rooms':
      return { ...shape, rooms: FEW_ROOMS, roomsInFlight: FEW_ROOMS };
    case 'many rooms':
      return { ...shape, rooms: manyRooms, roomsInFlight: FEW_ROOMS, burstsInTurn: BURSTS_IN_TURN };
    case 'rare bursts':
      return { ...shape, rooms: manyRooms, roomsInFlight: FEW_ROOMS };
    case 'three nodes':
      return { ...shape, nodes: 3 };
    default:
      return shape;
  }
}

function isBroken(round: Round): boolean {
  return Object.values(round).some(({ integrity }) => !isWhole(integrity));
}
