/** What is measured: each scenario's shape, its metrics, and the goal of each. */

export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** The ratio is turned so that above 1 the subject is the better one. */
  readonly better: 'more' | 'less';
  readonly goal: Goal;
}

export type Goal =
  | { readonly kind: 'ratio'; readonly least: number }
  | { readonly kind: 'value'; readonly most: number }
  | { readonly kind: 'none' };

export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** Of the rooms asked for, how many: large rooms are fewer. */
  readonly roomShare: number;
  readonly players: number;
  readonly metrics: readonly Metric[];
}

export const SCENARIOS: readonly Scenario[] = [
  bursts('fan-in', 'players → host', 8, 0.8),
  bursts('unicast', 'host → one player each', 8, 0.8),
  bursts('broadcast-8', 'host → all 8 players', 8, 0.7),
  bursts('broadcast-200', 'host → all 200 players', 200, 0.7),
  bursts('echo', 'player → host → same player', 8, 0.8),
  {
    name: 'echo-latency',
    what: 'the same at a fixed rate',
    roomShare: 1,
    players: 8,
    metrics: [
      { name: 'medianUs', unit: 'µs, median', better: 'less', goal: { kind: 'none' } },
      { name: 'p99Us', unit: 'µs, 99th percentile', better: 'less', goal: { kind: 'none' } },
    ],
  },
  {
    name: 'churn',
    what: 'create, 8 join, all leave, close',
    roomShare: 1,
    players: 8,
    metrics: [
      { name: 'perCpuSecond', unit: 'rooms/CPU s', better: 'more', goal: { kind: 'ratio', least: 0.5 } },
    ],
  },
  {
    name: 'idle-memory',
    what: 'resident memory of an idle socket',
    roomShare: 1,
    players: 200,
    metrics: [{ name: 'bytesPerSocket', unit: 'bytes', better: 'less', goal: { kind: 'value', most: 4096 } }],
  },
];

function bursts(name: string, what: string, players: number, least: number): Scenario {
  const metric = { name: 'perCpuSecond', unit: 'frames/CPU s', better: 'more' } as const;
  return {
    name,
    what,
    roomShare: 8 / players,
    players,
    metrics: [{ ...metric, goal: { kind: 'ratio', least } }],
  };
}
