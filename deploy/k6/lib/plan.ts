/** What goes on in a room of a script. */

/** In which frames a script speaks; `both`: in turn. */
export type Form = 'binary' | 'text' | 'both';

export interface Plan {
  readonly players: number;
  /** How long everybody talks, once all are in. */
  readonly seconds: number;
  /** Frames to everybody, each second. */
  readonly hostHz: number;
  readonly hostBytes: number;
  /** Frames of each player, each second. */
  readonly playerHz: number;
  readonly playerBytes: number;
  /** Whether the host answers each frame of a player, or only its first. */
  readonly answersAll: boolean;
  readonly form: Form;
  /** For anything that must come: an open room, an answer, the last frame, a close. */
  readonly patienceMs: number;
}

/** The stream of what a host sends to everybody; a player's own is its index, from 1 on. */
export const TO_ALL = 0;

/** The host's `stop` closes everybody with this. */
export const GAME_IS_DONE = 1001;

/** Room for two stamps. */
export const ANSWER_BYTES = 64;

/** Whether the frame with this number is a binary one. */
export function isBinary(form: Form, sequence: number): boolean {
  return form === 'both' ? sequence % 2 === 0 : form === 'binary';
}

/**
 * What a run of so many such rooms must receive at least, if this machine keeps the pace. Each begins to talk at a random
 * moment, and so may be one frame short.
 */
export function leastFrames(plan: Plan, rooms: number): number {
  const { players, seconds, hostHz, playerHz, answersAll } = plan;
  const fromHost = Math.max(0, Math.floor(seconds * hostHz) - 1);
  const fromPlayer = 1 + Math.max(0, Math.floor(seconds * playerHz) - 1);
  const answers = answersAll ? fromPlayer : 1;
  return Math.floor(0.9 * rooms * players * (fromHost + fromPlayer + answers));
}

/** What every such run has done at the end, as thresholds: without these one that did nothing passes. */
export function complete(plan: Plan, rooms: number): Readonly<Record<string, string[]>> {
  return {
    rooms_finished: [`count>=${rooms}`],
    players_joined: [`count>=${rooms * plan.players}`],
    frames_received: [`count>=${leastFrames(plan, rooms)}`],
  };
}
