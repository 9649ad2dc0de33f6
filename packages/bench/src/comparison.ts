/** From samples to rows: what a subject is worth beside the bare relay. */
import type { Sample } from './job.ts';
import type { Goal, Metric, Scenario } from './scenarios.ts';
import { spread, type Spread } from './statistics.ts';

/** One round: both were sampled within a few seconds of each other. */
export interface Pair {
  readonly bare: Sample;
  readonly subject: Sample;
}

export interface Row {
  readonly scenario: string;
  readonly unit: string;
  readonly bare: Spread;
  readonly subject: Spread;
  /** Of each round; above 1 the subject is the better one. */
  readonly ratio: Spread;
  readonly goal: Goal;
  /** undefined without a goal. */
  readonly isMet: boolean | undefined;
}

/** A busier load process may have slowed the server down. */
const SATURATED = 0.95;
/** A server that waited longer for its core shared it with something else. */
const WAITED = 0.1;

export function compare(scenario: Scenario, pairs: readonly Pair[]): Row[] {
  return scenario.metrics.map((metric) => compareMetric(scenario.name, metric, pairs));
}

/** What a reader must know before believing a scenario's rows. */
export function findDoubts(scenario: Scenario, pairs: readonly Pair[]): string[] {
  const samples = pairs.flatMap(({ bare, subject }) => [bare, subject]);
  const count = (isSo: (sample: Sample) => boolean): string =>
    `${samples.filter(isSo).length} of ${samples.length}`;
  const isSaturated = (sample: Sample): boolean =>
    sample.loadBusy >= SATURATED && sample.serverBusy < SATURATED;
  const hasWaited = (sample: Sample): boolean => sample.serverWaited >= WAITED;
  const doubts: string[] = [];
  if (samples.some(isSaturated)) {
    doubts.push(
      `${scenario.name}: the load process was saturated and the server was not in ${count(isSaturated)} samples`,
    );
  }
  if (samples.some(hasWaited)) {
    doubts.push(`${scenario.name}: something else ran on the server's core in ${count(hasWaited)} samples`);
  }
  return doubts;
}

function compareMetric(scenario: string, metric: Metric, pairs: readonly Pair[]): Row {
  const { name, unit, better, goal } = metric;
  const valueOf = (sample: Sample): number => sample.values[name] ?? NaN;
  const ratios = pairs.map(({ bare, subject }) => {
    const ratio = valueOf(subject) / valueOf(bare);
    return better === 'more' ? ratio : 1 / ratio;
  });
  const subject = spread(pairs.map((pair) => valueOf(pair.subject)));
  const ratio = spread(ratios);
  const bare = spread(pairs.map((pair) => valueOf(pair.bare)));
  return { scenario, unit, bare, subject, ratio, goal, isMet: isMet(goal, subject.median, ratio.median) };
}

function isMet(goal: Goal, value: number, ratio: number): boolean | undefined {
  switch (goal.kind) {
    case 'ratio':
      return ratio >= goal.least;
    case 'value':
      return value <= goal.most;
    case 'none':
      return undefined;
  }
}
