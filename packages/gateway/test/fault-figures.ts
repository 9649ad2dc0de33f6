/** What a fault did to a party, in figures that are printed. */
import { type ServerProcess } from '@wmbp/testkit';
import { quantile, type Tally } from './fault-lines.ts';

/** Counters of gateways, all nodes together. */
export interface Counters {
  readonly items: number;
  readonly resentItems: number;
  readonly asked: number;
  readonly failed: number;
  readonly silent: number;
  readonly duplicateItems: number;
  readonly gaps: number;
  readonly overflows: number;
  readonly linksLost: number;
  readonly probesMissed: number;
  readonly rebuilds: number;
}

const SERIES: Readonly<Record<keyof Counters, string>> = {
  items: 'wmbp_link_items_total',
  resentItems: 'wmbp_link_resent_items_total',
  asked: 'wmbp_link_suspicions_total{cause="asked"}',
  failed: 'wmbp_link_suspicions_total{cause="failed"}',
  silent: 'wmbp_link_suspicions_total{cause="silent"}',
  duplicateItems: 'wmbp_link_duplicate_items_total',
  gaps: 'wmbp_link_gaps_total',
  overflows: 'wmbp_link_overflows_total',
  linksLost: 'wmbp_links_lost_total',
  probesMissed: 'wmbp_probes_total{result="missed"}',
  rebuilds: 'wmbp_subscriber_rebuilds_total',
};

export interface Delays {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
}

export interface Figures extends Counters {
  /** Deliveries that were due: a frame to five counts five times. */
  readonly sent: number;
  readonly delivered: number;
  /** For sockets that are open at both ends. */
  readonly lost: number;
  /** For sockets that were closed: what was on its way behind the last that came. */
  readonly cut: number;
  readonly doubled: number;
  readonly swapped: number;
  readonly closes: Readonly<Record<string, number>>;
  readonly here: Delays;
  readonly away: Delays;
}

/** The series of `/metrics` that begin so, by name as it is written there. */
export async function readSeries(
  { adminPort }: Pick<ServerProcess, 'adminPort'>,
  prefix = 'wmbp_',
): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const lines = (await answer.text()).split('\n');
  const split = lines.filter((line) => line.startsWith(prefix)).map((line) => line.split(' '));
  return new Map(split.map(([name = '', value]) => [name, Number(value)]));
}

export async function readCounters(servers: readonly ServerProcess[]): Promise<Counters> {
  const all = await Promise.all(servers.map((server) => readSeries(server)));
  const sum = (series: string): number => all.reduce((total, each) => total + (each.get(series) ?? 0), 0);
  const entries = Object.entries(SERIES).map(([name, series]) => [name, sum(series)]);
  return Object.fromEntries(entries) as unknown as Counters;
}

export function figuresOf(
  tally: Tally,
  missing: { readonly lost: number; readonly cut: number },
  before: Counters,
  after: Counters,
): Figures {
  const names = Object.keys(SERIES) as (keyof Counters)[];
  const grown = Object.fromEntries(names.map((name) => [name, after[name] - before[name]]));
  const { sent, delivered, doubled, swapped, closes, delaysMs } = tally;
  return {
    ...(grown as unknown as Counters),
    ...missing,
    sent,
    delivered,
    doubled,
    swapped,
    closes: Object.fromEntries(closes),
    here: delaysOf(delaysMs.here),
    away: delaysOf(delaysMs.away),
  };
}

export function delaysOf(delaysMs: readonly number[]): Delays {
  return {
    medianMs: quantile(delaysMs, 0.5),
    p99Ms: quantile(delaysMs, 0.99),
    worstMs: quantile(delaysMs, 1),
  };
}

/** To the terminal past Jest, which would put a stack below each line. */
export function print(fault: string, text: string): void {
  process.stdout.write(`${fault}: ${text}\n`);
}

export function shown(figures: Figures): string {
  const { sent, delivered, lost, cut, doubled, swapped, closes, items, resentItems } = figures;
  const codes = Object.entries(closes).map(([code, count]) => `${count} × ${code}`);
  const repairs = (
    ['asked', 'failed', 'silent', 'duplicateItems', 'gaps', 'overflows', 'linksLost'] as const
  ).map((name) => `${name} ${figures[name]}`);
  return [
    `sent ${sent}, delivered ${delivered}, lost ${lost}, doubled ${doubled}, swapped ${swapped}`,
    `closed ${codes.join(', ') || 'none'}, cut with them ${cut}`,
    `items ${items}, sent again ${resentItems} (${repairs.join(', ')})`,
    `probes missed ${figures.probesMissed}, rebuilt ${figures.rebuilds}`,
    `delay ${shownDelays('here', figures.here)}, ${shownDelays('away', figures.away)}`,
  ].join('; ');
}

export function shownDelays(where: string, { medianMs, p99Ms, worstMs }: Delays): string {
  return `${where} ${medianMs.toFixed(1)} p99 ${p99Ms.toFixed(0)} worst ${worstMs.toFixed(0)} ms`;
}
