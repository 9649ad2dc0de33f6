/** From samples of a cluster and its opponents to rows of the table. Every ratio is the cluster's number by the other's. */
import type { ClusterSample } from './cluster-sampling.ts';
import type { ClusterScenario } from './cluster-scenarios.ts';
import { describeIntegrity, describeTable, format } from './report.ts';
import { spread, type Spread } from './statistics.ts';
import { isWhole } from './tally.ts';

/** Samples by subject, taken within some seconds of each other. */
export type Round = Readonly<Record<string, ClusterSample>>;

export interface ClusterRow {
  readonly scenario: string;
  readonly unit: string;
  readonly against: string;
  readonly theirs: Spread;
  readonly ours: Spread;
  /** Of each round. */
  readonly ratio: Spread;
  readonly goal: string;
  /** undefined without a goal. */
  readonly isMet: boolean | undefined;
}

/** The subject that `--against-gateway` adds. */
export const OTHER_GATEWAY = 'other gateway';

type Goal = { readonly least: number } | { readonly most: number } | undefined;
type Reading = (round: Round) => number;

export function compareRounds(scenario: ClusterScenario, rounds: readonly Round[]): ClusterRow[] {
  const { name } = scenario;
  const row = (unit: string, against: string, theirs: Reading, ours: Reading, goal?: Goal): ClusterRow =>
    rowOf({ scenario: name, unit, against }, rounds, theirs, ours, goal);
  const clusterRow = (unit: string, value: string, against: string, goal?: Goal): ClusterRow =>
    row(unit, against, of(against, value), of('cluster', value), goal);
  const batchingRow = (unit: string): ClusterRow =>
    row(unit, 'raw relay', framesPerPublish('raw relay'), framesPerPublish('cluster'));
  /** Where it took part. */
  const otherRow = (unit: string, value: string, goal: Goal): ClusterRow[] =>
    rounds.some((round) => OTHER_GATEWAY in round) ? [clusterRow(unit, value, OTHER_GATEWAY, goal)] : [];
  switch (scenario.kind) {
    case 'crossing':
      return [
        clusterRow('frames/CPU s', 'perCpuSecond', 'raw relay', { least: 0.8 }),
        clusterRow('frames/CPU s', 'perCpuSecond', 'raw relay corked'),
        batchingRow('frames/publish'),
        clusterRow('frames/CPU s', 'perCpuSecond', 'one node'),
        clusterRow('frames/CPU s', 'perCpuSecond', 'nodes apart'),
        row('frames/CPU s', 'raw', rawFrames(scenario), of('cluster', 'perCpuSecond')),
        row('crossings/CPU s', 'raw', of('raw', 'perCpuSecond'), crossings(scenario), { least: 0.8 }),
        row('crossings/CPU s', 'raw corked', of('raw corked', 'perCpuSecond'), crossings(scenario)),
        ...otherRow('frames/CPU s', 'perCpuSecond', { least: 0.9 }),
      ];
    case 'latency': {
      const added: Reading = (round) => of('cluster', 'medianUs')(round) - of('one node', 'medianUs')(round);
      return [
        clusterRow('µs, median', 'medianUs', 'raw relay'),
        batchingRow('echoes/publish'),
        clusterRow('µs, median', 'medianUs', 'one node'),
        row('µs added, median', 'raw', of('raw', 'medianUs'), added, { most: 1.5 }),
        ...otherRow('µs, median', 'medianUs', { most: 1.1 }),
      ];
    }
    case 'openings':
      return [
        clusterRow('rooms/s', 'perSecond', 'one node', { least: 0.3 }),
        clusterRow('rooms/CPU s', 'perCpuSecond', 'one node', { least: 0.3 }),
      ];
    case 'growth': {
      const cost = (subject: string): Reading => of(subject, 'perCpuSecond');
      const against = 'few rooms';
      return [
        row('frames/CPU s', against, cost(against), cost('many rooms'), { least: 0.8 }),
        row('frames/publish', against, framesPerPublish(against), framesPerPublish('many rooms')),
        row('frames/CPU s, rare', against, cost(against), cost('rare bursts'), { least: 0.8 }),
        row('frames/publish, rare', against, framesPerPublish(against), framesPerPublish('rare bursts')),
      ];
    }
    case 'creates':
      return [row('codes', 'asked for', (round) => asked(round), of('three nodes', 'codes'), { least: 1 })];
  }
}

/** As Redis counted them; NaN where nothing was published. */
export function framesPerPublish(subject: string): Reading {
  return (round) => round[subject]?.batching?.framesPerPublish ?? NaN;
}

export function describeClusterRows(rows: readonly ClusterRow[]): string {
  const head = ['scenario', 'unit', 'against', 'theirs', 'cluster', 'ratio', 'min–max', 'goal', ''];
  const lines = rows.map(({ scenario, unit, against, theirs, ours, ratio, goal, isMet }) => [
    scenario,
    unit,
    against,
    format(theirs.median),
    format(ours.median),
    ratio.median.toFixed(2),
    `${ratio.least.toFixed(2)}–${ratio.greatest.toFixed(2)}`,
    goal,
    isMet === undefined ? '' : isMet ? 'met' : 'NOT MET',
  ]);
  return describeTable(head, lines);
}

/** One line of progress. */
export function describeClusterSample(sample: ClusterSample): string {
  const values = Object.entries(sample.values).map(
    ([name, value]) => `${format(value)} ${UNITS[name] ?? name}`,
  );
  const { batching, integrity, serverBusy, remarks } = sample;
  const batches = batching
    ? [
        `${format(batching.framesPerPublish)} frames/publish, ${format(batching.publishesPerRead)} publishes/read`,
      ]
    : [];
  const busy = serverBusy > 0 ? [`CPU ${Math.round(serverBusy * 100)} %`] : [];
  const broken = isWhole(integrity) ? '' : ` BROKEN: ${[describeIntegrity(sample), ...remarks].join('; ')}`;
  return `${values.join(', ')} (${[...batches, ...busy].join('; ')})${broken}`;
}

const UNITS: Readonly<Record<string, string>> = {
  perCpuSecond: 'per CPU s',
  perSecond: 'per s',
  medianUs: 'µs, median',
  p99Us: 'µs, 99th percentile',
};

function rowOf(
  what: Pick<ClusterRow, 'scenario' | 'unit' | 'against'>,
  rounds: readonly Round[],
  theirs: Reading,
  ours: Reading,
  goal: Goal,
): ClusterRow {
  const ratio = spread(rounds.map((round) => ours(round) / theirs(round)));
  return {
    ...what,
    theirs: spread(rounds.map(theirs)),
    ours: spread(rounds.map(ours)),
    ratio,
    goal: goal ? ('least' in goal ? `ratio ≥ ${goal.least}` : `ratio ≤ ${goal.most}`) : '',
    isMet: goal && ('least' in goal ? ratio.median >= goal.least : ratio.median <= goal.most),
  };
}

function of(subject: string, value: string): Reading {
  return (round) => round[subject]?.values[value] ?? NaN;
}

function asked(round: Round): number {
  const sample = round['three nodes'];
  return sample ? sample.units + sample.integrity.lost : NaN;
}

/** Frames that a publish of the cluster brought to their ends. */
function deliveriesPerPublish({ deliveriesPerItem }: ClusterScenario): Reading {
  return (round) => framesPerPublish('cluster')(round) * deliveriesPerItem;
}

function rawFrames(scenario: ClusterScenario): Reading {
  return (round) => of('raw', 'perCpuSecond')(round) * deliveriesPerPublish(scenario)(round);
}

/** What a publish costs in the cluster above the same work on nodes apart, as a number for each CPU second. */
function crossings(scenario: ClusterScenario): Reading {
  return (round) => {
    const cluster = 1 / of('cluster', 'perCpuSecond')(round);
    const apart = 1 / of('nodes apart', 'perCpuSecond')(round);
    return 1 / ((cluster - apart) * deliveriesPerPublish(scenario)(round));
  };
}
