/**
 * What do peers see of a rolling restart during play, and how long until they are back?
 *
 * Start it, then restart the nodes one after the other. Who is closed comes back after a pause that grows: a host
 * opens a new room, players join the room there is. Frames on their way when a socket is closed are "cut"; a hole
 * between two frames that came is "lost", and never allowed. A run in which nobody was interrupted fails.
 *
 *   k6 run deploy/k6/deploy.ts
 *   k6 run -e EXPECTED_CLOSES=1012,1006,1001 deploy/k6/deploy.ts    # also kills
 *
 * URL              ws://localhost:8081  where peers connect; several with commas are taken in turn
 * ROOMS            10                   each by a virtual user of its own
 * PLAYERS          8                    in each room
 * SECONDS          120                  for which everybody plays, restarts and all
 * HOST_HZ          5                    frames of each host to everybody, a second
 * PLAYER_HZ        2                    frames of each player, a second; the host answers each
 * FRAMES           both                 binary, text, or both in turn
 * INTERRUPTIONS    1                    threshold: closes in play, at least
 * EXPECTED_CLOSES  1012                 codes, with commas; any other in play is a broken threshold
 * BACK_P95_MS      5000                 threshold: 95 of 100 are back after so long
 * PATIENCE_MS      10000                for anything that must come
 * SUMMARY_FILE                          where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { Comebacks } from './lib/comebacks.ts';
import { eachRoomWithBreaks } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { type Plan } from './lib/plan.ts';
import { eachRoomOnce, optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, integers, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 10);
const EXPECTED_CLOSES = integers('EXPECTED_CLOSES', [1012]);
const BACK = `p(95)<${number('BACK_P95_MS', 5000)}`;
const PLAN: Plan = {
  players: integer('PLAYERS', 8),
  seconds: number('SECONDS', 120),
  hostHz: number('HOST_HZ', 5),
  hostBytes: 200,
  playerHz: number('PLAYER_HZ', 2),
  playerBytes: 60,
  answersAll: true,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 10_000),
};

export const options = optionsOf(
  eachRoomOnce(ROOMS, PLAN.seconds, PLAN.patienceMs),
  thresholds({
    ...eachRoomWithBreaks(PLAN, ROOMS),
    interruptions: [`count>=${integer('INTERRUPTIONS', 1, 0)}`],
    peers_away: ['count==0'],
    host_back_after: [BACK],
    player_back_after: [BACK],
  }),
);

export async function play(): Promise<void> {
  await new Comebacks(PLAN, exec.vu.idInTest, EXPECTED_CLOSES).play();
}

export function handleSummary(data: SummaryData): Result {
  const title = `deploy: ${ROOMS} rooms of ${PLAN.players} through restarts, for ${PLAN.seconds} s at ${URLS.join(', ')}`;
  const further = ['interruptions', 'failed_tries', 'peers_away', 'host_back_after', 'player_back_after'];
  return resultOf(title, data, further);
}
