/** What the scripts have in common: one virtual user for each room, and the summary. */
import { TREND_STATS } from './metrics.ts';
import { report, type SummaryData } from './summary.ts';

export interface Result {
  stdout: string;
  [file: string]: string;
}

/** Each room is played once by a virtual user of its own. @param seconds what a room takes at least */
export function eachRoomOnce(rooms: number, seconds: number, patienceMs: number): object {
  const executor = 'per-vu-iterations';
  const maxDuration = `${Math.ceil(seconds + (6 * patienceMs) / 1000)}s`;
  return { rooms: { executor, vus: rooms, iterations: 1, exec: 'play', maxDuration, gracefulStop: '5s' } };
}

export function optionsOf(scenarios: object, thresholds: Record<string, string[]>): object {
  return { scenarios, thresholds, summaryTrendStats: TREND_STATS };
}

/** What `handleSummary` returns: the report; and everything as JSON in SUMMARY_FILE, if set. */
export function resultOf(title: string, data: SummaryData, further: readonly string[] = []): Result {
  const result: Result = { stdout: report(title, data, further) };
  const file = __ENV['SUMMARY_FILE'];
  if (file) result[file] = JSON.stringify(data, undefined, 2);
  return result;
}
