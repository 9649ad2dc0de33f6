/**
 * How late is a frame at the last of hundreds of players of one host?
 *
 *   k6 run deploy/k6/broadcast.ts
 *   k6 run -e PLAYERS=1000 -e HOST_HZ=2 deploy/k6/broadcast.ts
 *
 * URL                    ws://localhost:8081  where peers connect; several with commas are taken in turn
 * ROOMS                  1                    rooms, each by a virtual user of its own
 * PLAYERS                300                  in each room
 * SECONDS                20                   for which the host talks
 * HOST_HZ                10                   frames to everybody, a second
 * HOST_BYTES             500                  their length
 * PLAYER_HZ              0.2                  frames of each player, a second; only its first is answered
 * FRAMES                 both                 binary, text, or both in turn
 * HOST_TO_PLAYER_P99_MS  500                  threshold: 99 of 100 frames are there after so long
 * PATIENCE_MS            20000                for anything that must come
 * SUMMARY_FILE                                where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { eachRoom } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { type Plan } from './lib/plan.ts';
import { playRoom } from './lib/room.ts';
import { eachRoomOnce, optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 1);
const PLAN: Plan = {
  players: integer('PLAYERS', 300),
  seconds: number('SECONDS', 20),
  hostHz: number('HOST_HZ', 10),
  hostBytes: integer('HOST_BYTES', 500, 21),
  playerHz: number('PLAYER_HZ', 0.2),
  playerBytes: 60,
  answersAll: false,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 20_000),
};

export const options = optionsOf(
  eachRoomOnce(ROOMS, PLAN.seconds, PLAN.patienceMs),
  thresholds({
    ...eachRoom(PLAN, ROOMS),
    host_to_player: [`p(99)<${number('HOST_TO_PLAYER_P99_MS', 500)}`],
  }),
);

export async function play(): Promise<void> {
  await playRoom(PLAN, exec.vu.idInTest);
}

export function handleSummary(data: SummaryData): Result {
  const pace = `${PLAN.hostHz} frames/s of ${PLAN.hostBytes} bytes to ${PLAN.players} players`;
  return resultOf(`broadcast: ${ROOMS} host(s), ${pace}, for ${PLAN.seconds} s at ${URLS.join(', ')}`, data);
}
