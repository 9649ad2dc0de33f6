/**
 * Does anything grow, slow down or stay behind when parties come and go for hours?
 *
 *   k6 run -e HOURS=8 -e METRICS=http://127.0.0.1:9081/metrics deploy/k6/soak.ts
 *
 * URL                ws://localhost:8081  where peers connect; several with commas are taken in turn
 * METRICS                                 URLs of the nodes' /metrics, with commas; without, only what peers see is watched
 * ROOMS              20                   at the same time; each virtual user plays one after the other
 * PLAYERS            8                    in each room
 * HOURS              1                    for which new parties begin; give fractions for a try
 * PARTY_SECONDS      120                  how long each room is played, more or less by a half
 * HOST_HZ            10                   frames of each host to everybody, a second
 * PLAYER_HZ          5                    frames of each player, a second; the host answers each
 * FRAMES             both                 binary, text, or both in turn
 * ROUND_TRIP_P95_MS  250                  threshold: 95 of 100 answers, in the first quarter and in the last
 * GROWTH_PERCENT     50                   threshold: resident memory of a node, last quarter over second
 * PATIENCE_MS        10000                for anything that must come
 * SUMMARY_FILE                            where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { Counter, Gauge } from 'k6/metrics';
import { lasting, nowMs } from './lib/clock.ts';
import { countException } from './lib/guard.ts';
import { answersInPart, roomsInTurn } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { leftBehind, residentBytes } from './lib/nodes.ts';
import { type Plan } from './lib/plan.ts';
import { playRoom } from './lib/room.ts';
import { optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, list, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 20);
const METRICS = list('METRICS', []);
const HOURS = number('HOURS', 1);
const RUN_MS = HOURS * 3_600_000;
const PARTY_SECONDS = number('PARTY_SECONDS', 120);
const SOON = `p(95)<${number('ROUND_TRIP_P95_MS', 250)}`;
const PLAN: Plan = {
  players: integer('PLAYERS', 8),
  seconds: PARTY_SECONDS,
  hostHz: number('HOST_HZ', 10),
  hostBytes: 200,
  playerHz: number('PLAYER_HZ', 5),
  playerBytes: 60,
  answersAll: true,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 10_000),
};

/** In the first quarter of the run and in the last. A round trip without samples is no broken threshold. */
const ENOUGH = answersInPart(PLAN, ROOMS, RUN_MS / 4000);

/** Looks at the nodes' memory. */
const memoryLooks = new Counter('memory_looks');
const memoryGrowth = new Gauge('memory_growth_percent');
/** Sockets, rooms and players that the nodes still count when all parties are over. */
const leftOver = new Counter('left_over');

const LOOKS = 40;
const duration = `${Math.ceil(RUN_MS / 1000)}s`;
const gracefulStop = `${Math.ceil(1.5 * PARTY_SECONDS + (6 * PLAN.patienceMs) / 1000)}s`;
const rooms = { executor: 'constant-vus', vus: ROOMS, duration, gracefulStop, exec: 'play' };
const memory = {
  executor: 'per-vu-iterations',
  vus: 1,
  iterations: 1,
  maxDuration: `${Math.ceil(RUN_MS / 1000) + 60}s`,
  exec: 'watch',
};

export const options = optionsOf(
  METRICS.length > 0 ? { rooms, memory } : { rooms },
  thresholds({
    ...roomsInTurn(PLAN, ROOMS, RUN_MS / 1000),
    'round_trip{part:first}': [SOON],
    'round_trip{part:last}': [SOON],
    'answers_received{part:first}': [ENOUGH],
    'answers_received{part:last}': [ENOUGH],
    memory_looks: [`count>=${METRICS.length * LOOKS}`],
    memory_growth_percent: [`value<${number('GROWTH_PERCENT', 50)}`],
    left_over: ['count==0'],
  }),
);

/** Parties of different lengths: they do not all come and go at once. */
export async function play(): Promise<void> {
  const isFirst = exec.vu.iterationInInstance === 0;
  await lasting(isFirst ? Math.random() * Math.min(2000, RUN_MS / 4) : 0);
  const place = nowMs() / RUN_MS;
  // The first party of each place is one of the first quarter, however late this machine begins.
  exec.vu.metrics.tags['part'] = isFirst || place < 0.25 ? 'first' : place < 0.75 ? 'middle' : 'last';
  const plan = { ...PLAN, seconds: PARTY_SECONDS * (0.5 + Math.random()) };
  // Where nothing answers, not as fast as one can.
  if (!(await playRoom(plan, exec.vu.idInTest))) await lasting(1000);
}

/** Memory of each node: the most in the last quarter, over the most in the second. */
export async function watch(): Promise<void> {
  try {
    const seen = METRICS.map((): number[] => []);
    for (let look = 0; look < LOOKS; look += 1) {
      await lasting(Math.max(0, ((look + 1) / LOOKS) * RUN_MS - nowMs()));
      for (const [node, url] of METRICS.entries()) seen[node]?.push(residentBytes(url));
      memoryLooks.add(METRICS.length);
    }
    const quarter = LOOKS / 4;
    const growths = seen.map(
      (bytes) => Math.max(...bytes.slice(-quarter)) / Math.max(...bytes.slice(quarter, 2 * quarter)),
    );
    memoryGrowth.add(100 * (Math.max(...growths) - 1));
  } catch (error) {
    countException(error);
  }
}

/** What the nodes count before anybody plays: others may be on them. */
export function setup(): number {
  return leftBehind(METRICS, 0, 0);
}

export function teardown(before: number): void {
  leftOver.add(leftBehind(METRICS, before, PLAN.patienceMs));
}

export function handleSummary(data: SummaryData): Result {
  const what = `${ROOMS} rooms of ${PLAN.players} at a time, for ${HOURS} h`;
  const further = [
    'round_trip{part:first}',
    'round_trip{part:last}',
    'memory_looks',
    'memory_growth_percent',
    'left_over',
  ];
  return resultOf(`soak: ${what} at ${URLS.join(', ')}`, data, further);
}
