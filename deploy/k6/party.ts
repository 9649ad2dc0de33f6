/**
 * How do many parties at once fare: rooms of eight, at a party's pace?
 *
 *   k6 run deploy/k6/party.ts
 *   k6 run -e URL=wss://party.example -e ROOMS=200 -e SECONDS=300 deploy/k6/party.ts
 *
 * URL                ws://localhost:8081  where peers connect; several with commas are taken in turn
 * ROOMS              20                   each by a virtual user of its own
 * PLAYERS            8                    in each room
 * SECONDS            30                   for which everybody talks
 * RAMP_SECONDS       5                    over which the rooms open
 * HOST_HZ            10                   frames of each host to everybody, a second
 * HOST_BYTES         200                  their length
 * PLAYER_HZ          5                    frames of each player, a second; the host answers each
 * PLAYER_BYTES       60                   their length
 * FRAMES             both                 binary, text, or both in turn
 * JOIN_P95_MS        1000                 threshold: 95 of 100 players are in after so long
 * ROUND_TRIP_P95_MS  250                  threshold: 95 of 100 answers are there after so long
 * PATIENCE_MS        10000                for anything that must come
 * SUMMARY_FILE                            where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { lasting } from './lib/clock.ts';
import { eachRoom } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { type Plan } from './lib/plan.ts';
import { playRoom } from './lib/room.ts';
import { eachRoomOnce, optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 20);
const RAMP_SECONDS = number('RAMP_SECONDS', 5);
const PLAN: Plan = {
  players: integer('PLAYERS', 8),
  seconds: number('SECONDS', 30),
  hostHz: number('HOST_HZ', 10),
  hostBytes: integer('HOST_BYTES', 200, 21),
  playerHz: number('PLAYER_HZ', 5),
  playerBytes: integer('PLAYER_BYTES', 60, 21),
  answersAll: true,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 10_000),
};

export const options = optionsOf(
  eachRoomOnce(ROOMS, RAMP_SECONDS + PLAN.seconds, PLAN.patienceMs),
  thresholds({
    ...eachRoom(PLAN, ROOMS),
    join_time: [`p(95)<${number('JOIN_P95_MS', 1000)}`],
    round_trip: [`p(95)<${number('ROUND_TRIP_P95_MS', 250)}`],
  }),
);

export async function play(): Promise<void> {
  const room = exec.vu.idInTest;
  await lasting((RAMP_SECONDS * 1000 * (room - 1)) / ROOMS);
  await playRoom(PLAN, room);
}

export function handleSummary(data: SummaryData): Result {
  const pace = `${PLAN.hostHz} frames/s from each host, ${PLAN.playerHz} from each player`;
  return resultOf(
    `party: ${ROOMS} rooms of ${PLAN.players}, ${pace}, for ${PLAN.seconds} s at ${URLS.join(', ')}`,
    data,
  );
}
