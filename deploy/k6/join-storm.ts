/**
 * How long does it take until everybody is in, when all players of all rooms come at the same moment?
 *
 *   k6 run deploy/k6/join-storm.ts
 *   k6 run -e ROOMS=250 -e JOIN_P95_MS=5000 deploy/k6/join-storm.ts
 *
 * URL               ws://localhost:8081  where peers connect; several with commas are taken in turn
 * ROOMS             20                   each by a virtual user of its own, open before the storm
 * PLAYERS           8                    in each room
 * STORM_AT_SECONDS  5                    when the players come; the rooms open in the first half of it
 * SECONDS           5                    for which everybody then stays and talks
 * HOST_HZ           2                    frames of each host to everybody, a second
 * PLAYER_HZ         1                    frames of each player, a second; the host answers each
 * FRAMES            both                 binary, text, or both in turn
 * JOIN_P95_MS       2000                 threshold: 95 of 100 players are in after so long
 * PATIENCE_MS       10000                for anything that must come
 * SUMMARY_FILE                           where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { lasting, nowMs } from './lib/clock.ts';
import { eachRoom } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { type Plan } from './lib/plan.ts';
import { playRoom } from './lib/room.ts';
import { eachRoomOnce, optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 20);
const STORM_AT_MS = 1000 * number('STORM_AT_SECONDS', 5, 1);
const PLAN: Plan = {
  players: integer('PLAYERS', 8),
  seconds: number('SECONDS', 5),
  hostHz: number('HOST_HZ', 2),
  hostBytes: 200,
  playerHz: number('PLAYER_HZ', 1),
  playerBytes: 60,
  answersAll: true,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 10_000),
};

export const options = optionsOf(
  eachRoomOnce(ROOMS, STORM_AT_MS / 1000 + PLAN.seconds, PLAN.patienceMs),
  thresholds({
    ...eachRoom(PLAN, ROOMS),
    join_time: [`p(95)<${number('JOIN_P95_MS', 2000)}`],
  }),
);

export async function play(): Promise<void> {
  const room = exec.vu.idInTest;
  await lasting((STORM_AT_MS * (room - 1)) / (2 * ROOMS));
  await playRoom(PLAN, room, () => lasting(Math.max(0, STORM_AT_MS - nowMs())));
}

export function handleSummary(data: SummaryData): Result {
  return resultOf(
    `join-storm: ${ROOMS * PLAN.players} players join ${ROOMS} rooms at once at ${URLS.join(', ')}`,
    data,
  );
}
