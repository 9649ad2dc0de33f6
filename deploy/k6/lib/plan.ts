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
