/** Results as text. */
import type { Row } from './comparison.ts';
import type { Sample } from './job.ts';
import type { Goal, Scenario } from './scenarios.ts';
import { isWhole } from './tally.ts';

const SIGNIFICANT_DIGITS = 4;

/** One line of progress. */
export function describeSample(scenario: Scenario, sample: Sample): string {
  const values = scenario.metrics.map(({ name, unit }) => `${format(sample.values[name] ?? NaN)} ${unit}`);
  const { serverBusy, loadBusy, integrity, remarks } = sample;
  const busy = serverBusy > 0 ? ` (CPU: server ${percent(serverBusy)}, load ${percent(loadBusy)})` : '';
  const broken = isWhole(integrity) ? '' : ` BROKEN: ${[describeIntegrity(sample), ...remarks].join('; ')}`;
  return `${values.join(', ')}${busy}${broken}`;
}

export function describeIntegrity({ integrity }: Sample): string {
  return Object.entries(integrity)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

export function describeRows(against: string, subject: string, rows: readonly Row[]): string {
  const head = ['scenario', 'unit', against, subject, 'ratio', 'min–max', 'goal', ''];
  const lines = rows.map((row) => [
    row.scenario,
    row.unit,
    format(row.bare.median),
    format(row.subject.median),
    row.ratio.median.toFixed(2),
    `${row.ratio.least.toFixed(2)}–${row.ratio.greatest.toFixed(2)}`,
    describeGoal(row.goal),
    row.isMet === undefined ? '' : row.isMet ? 'met' : 'NOT MET',
  ]);
  return describeTable(head, lines);
}

export function describeTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = head.map(() => '---');
  const table = [head, rule, ...lines];
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table
    .map((line) => {
      const fill = line === rule ? '-' : ' ';
      return `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(' | ')} |`;
    })
    .join('\n');
}

function describeGoal(goal: Goal): string {
  switch (goal.kind) {
    case 'ratio':
      return `ratio ≥ ${goal.least}`;
    case 'value':
      return `≤ ${goal.most}`;
    case 'none':
      return '';
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function format(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: SIGNIFICANT_DIGITS });
}
