/**
 * How do drawings fare: 300 KB from each player every few seconds, and as much from the host to everybody?
 * A drawing in a binary frame reaches the host as an array of integers, about twice as long.
 *
 *   k6 run deploy/k6/drawing.ts
 *   k6 run -e FRAMES=text -e BYTES=2000000 deploy/k6/drawing.ts
 *
 * URL                   ws://localhost:8081  where peers connect; several with commas are taken in turn
 * ROOMS                 2                    each by a virtual user of its own
 * PLAYERS               8                    in each room
 * SECONDS               20                   for which everybody draws
 * BYTES                 300000               length of a drawing
 * PLAYER_EVERY_SECONDS  4                    from one drawing of a player to its next
 * HOST_EVERY_SECONDS    2                    from one drawing for everybody to the next
 * FRAMES                both                 binary, text, or both in turn
 * DRAWING_P95_MS        1000                 threshold: 95 of 100 drawings are there after so long, in both directions
 * PATIENCE_MS           20000                for anything that must come
 * SUMMARY_FILE                               where to write the whole summary as JSON
 */
import exec from 'k6/execution';
import { eachRoom } from './lib/least.ts';
import { thresholds } from './lib/metrics.ts';
import { type Plan } from './lib/plan.ts';
import { playRoom } from './lib/room.ts';
import { eachRoomOnce, optionsOf, resultOf, type Result } from './lib/run.ts';
import { form, integer, number, URLS } from './lib/settings.ts';
import { type SummaryData } from './lib/summary.ts';

const ROOMS = integer('ROOMS', 2);
const LATE = `p(95)<${number('DRAWING_P95_MS', 1000)}`;
const BYTES = integer('BYTES', 300_000, 21);
const PLAN: Plan = {
  players: integer('PLAYERS', 8),
  seconds: number('SECONDS', 20),
  hostHz: 1 / number('HOST_EVERY_SECONDS', 2, 0.1),
  hostBytes: BYTES,
  playerHz: 1 / number('PLAYER_EVERY_SECONDS', 4, 0.1),
  playerBytes: BYTES,
  answersAll: true,
  form: form('both'),
  patienceMs: integer('PATIENCE_MS', 20_000),
};

export const options = optionsOf(
  eachRoomOnce(ROOMS, PLAN.seconds, PLAN.patienceMs),
  thresholds({
    ...eachRoom(PLAN, ROOMS),
    player_to_host: [LATE],
    host_to_player: [LATE],
  }),
);

export async function play(): Promise<void> {
  await playRoom(PLAN, exec.vu.idInTest);
}

export function handleSummary(data: SummaryData): Result {
  const what = `${ROOMS} rooms of ${PLAN.players}, drawings of ${BYTES} bytes`;
  return resultOf(`drawing: ${what}, for ${PLAN.seconds} s at ${URLS.join(', ')}`, data, [
    'payload_bytes_received',
  ]);
}
