/** What the bench asks of a load process, and what it is told: one JSON document each way. */
import type { Integrity } from './tally.ts';

export interface Job {
  readonly scenario: string;
  /** Of each node under test. Hosts connect to the first, players to the last. */
  readonly ports: readonly number[];
  /** Of bursts: nodes know nothing of each other, and each room is on one of them, in turns. */
  readonly isApart: boolean;
  readonly serverPids: readonly number[];
  readonly warmupMs: number;
  /** Warming up goes on until each node has used so much CPU time. */
  readonly warmupCpuMs: number;
  readonly measureMs: number;
  readonly rooms: number;
  /** Rooms that have a burst on its way at any time; the others take their turns. */
  readonly roomsInFlight: number;
  /** That a room sends, one after another, when its turn has come. */
  readonly burstsInTurn: number;
  /** In each room. */
  readonly players: number;
  /** Frames in flight on each stream. */
  readonly window: number;
  readonly payloadBytes: number;
  /** Of `echo-latency`: echoes begun in a second, over all rooms. */
  readonly ratePerSecond: number;
  /** Of `idle-memory`, `openings` and `creates`. */
  readonly sockets: number;
}

/** What a load prints, as a line of its own, when it begins and ends to measure. */
export const MARKS = ['measuring', 'measured'] as const;
export type Mark = (typeof MARKS)[number];

export interface Sample {
  /** By metric. */
  readonly values: Readonly<Record<string, number>>;
  /** What was counted while measuring. */
  readonly units: number;
  /** CPU time by wall time, 0–1 and a little more with helper threads. 0 where it does not matter. */
  readonly serverBusy: number;
  /** The same of the time in which something else had the server's core. */
  readonly serverWaited: number;
  readonly loadBusy: number;
  readonly integrity: Integrity;
  /** The machine, not the subject, is why nothing arrived: the server was ready to run and was not run. */
  readonly wasStarved: boolean;
  /** The first of what was counted as unexpected. */
  readonly remarks: readonly string[];
  /** Empty, or why the sample says nothing. */
  readonly failure: string;
}
