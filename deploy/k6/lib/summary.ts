/** What a run came to, for a terminal. */

export interface SummaryMetric {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

export interface SummaryData {
  readonly metrics: Readonly<Record<string, SummaryMetric>>;
  readonly state: { readonly testRunDurationMs: number };
}

const COUNTS = [
  ['rooms', ['rooms_finished', 'rooms_unfinished', 'players_joined']],
  ['frames', ['frames_sent', 'frames_received', 'answers_received']],
  ['trouble', ['frames_lost', 'frames_doubled', 'frames_out_of_order', 'frames_damaged', 'frames_cut']],
  ['', ['unexpected_closes', 'exceptions']],
] as const;

const TIMES = ['open_time', 'join_time', 'host_to_player', 'player_to_host', 'round_trip'];
const COLUMNS = ['count', 'med', 'p(95)', 'p(99)', 'max'];
const WIDTH = 22;

/** @param title what was asked of the run. @param further names of counters and trends of this script alone */
export function report(title: string, data: SummaryData, further: readonly string[] = []): string {
  const { metrics } = data;
  const lines = ['', title, `ran ${fixed(data.state.testRunDurationMs / 1000, 1)} s`, ''];
  for (const [label, names] of COUNTS) lines.push(countsLine(label, names, metrics));
  const isTrend = (name: string): boolean => metrics[name]?.values['med'] !== undefined;
  const own = further.filter((name) => metrics[name] && !isTrend(name));
  if (own.length > 0) lines.push(countsLine('', own, metrics));
  lines.push(closesLine(metrics), '');
  lines.push(row('milliseconds', COLUMNS));
  for (const name of [...TIMES, ...further].filter(isTrend)) {
    const { values } = metrics[name] as SummaryMetric;
    lines.push(
      row(
        name,
        COLUMNS.map((column) => cell(column, values[column])),
      ),
    );
  }
  lines.push('', ...thresholdLines(metrics), '');
  return lines.join('\n');
}

function countsLine(label: string, names: readonly string[], metrics: SummaryData['metrics']): string {
  const parts = names.map(
    (name) => `${name.replace(/^frames_/, '').replaceAll('_', ' ')} ${countOf(metrics[name])}`,
  );
  return label.padEnd(10) + parts.join(', ');
}

function closesLine(metrics: SummaryData['metrics']): string {
  const closes: [code: number, count: number][] = [];
  for (const [name, metric] of Object.entries(metrics)) {
    const code = /^closes\{code:(\d+)\}$/.exec(name)?.[1];
    const count = metric.values['count'] ?? 0;
    if (code !== undefined && count > 0) closes.push([Number(code), count]);
  }
  const parts = closes
    .sort(([a], [b]) => a - b)
    .map(([code, count]) => `${code === 0 ? 'never opened' : code}: ${grouped(count)}`);
  return `closes    ${parts.join(', ') || 'none'}`;
}

function thresholdLines(metrics: SummaryData['metrics']): string[] {
  const broken: string[] = [];
  let held = 0;
  for (const [name, { thresholds = {}, values }] of Object.entries(metrics)) {
    for (const [expression, { ok }] of Object.entries(thresholds)) {
      if (ok) held += 1;
      else broken.push(`BROKEN    ${name}: ${expression}, came ${valueFor(expression, values)}`);
    }
  }
  return [...broken, `${held} thresholds held, ${broken.length} broken`];
}

function valueFor(expression: string, values: Readonly<Record<string, number>>): string {
  const value = values[/^[a-z]+(\(\d+\))?/.exec(expression)?.[0] ?? ''];
  return value === undefined ? 'nothing' : fixed(value, 3);
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(WIDTH) + cells.map((text) => text.padStart(11)).join('');
}

function cell(column: string, value: number | undefined): string {
  if (value === undefined) return '-';
  return column === 'count' ? grouped(value) : fixed(value, 2);
}

function countOf(metric: SummaryMetric | undefined): string {
  return grouped(metric?.values['count'] ?? 0);
}

function fixed(value: number, digits: number): string {
  return value
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** 1234567 as 1,234,567; k6 has no Intl. */
function grouped(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
