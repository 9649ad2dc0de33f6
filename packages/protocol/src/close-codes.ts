/** Every close code a gateway sends: one table (PROTOCOL.md §10). */

export interface Close {
  readonly code: number;
  /** At most 123 bytes of UTF-8; for people, not for programs. */
  readonly reason: string;
}

export const CLOSE = {
  roomOver: { code: 1001, reason: 'The game is done.' },
  hostGone: { code: 1001, reason: 'The host is gone.' },
  flooding: { code: 1008, reason: 'Too much, too fast.' },
  frameTooLarge: { code: 1009, reason: 'The frame is too large.' },
  internalError: { code: 1011, reason: 'Internal error.' },
  nodeRestarting: { code: 1012, reason: 'The server restarts.' },
  tooManySockets: { code: 1013, reason: 'Too many sockets, try again later.' },
  tooManyRooms: { code: 1013, reason: 'Too many rooms, try again later.' },
  tooManyIdleHosts: { code: 1013, reason: 'Too many hosts without a room, try again later.' },
  tooManyUnknownCodes: { code: 1013, reason: 'Too many unknown room codes, try again later.' },
  linkLost: { code: 1013, reason: 'Lost the way to the room, try again later.' },
  unavailable: { code: 1013, reason: 'Rooms are out of reach, try again later.' },
  slowConsumer: { code: 4003, reason: 'Slow consumer.' },
  notPrepared: { code: 4004, reason: 'The room was not prepared in time.' },
  seatLost: { code: 4005, reason: 'The seat was lost in an outage.' },
  roomLost: { code: 4006, reason: 'The room was lost in an outage.' },
  notARoom: { code: 4500, reason: 'The path is neither /CREATE nor a room code.' },
  roomNotFound: { code: 4501, reason: 'Room not found.' },
  roomFull: { code: 4502, reason: 'The room is full.' },
  roomStarted: { code: 4503, reason: 'The game has started.' },
  kicked: { code: 4504, reason: 'Kicked by the host.' },
} as const satisfies Record<string, Close>;

export type CloseName = keyof typeof CLOSE;

const FINAL_STANDARD_CODES: ReadonlySet<number> = new Set([1001, 1008, 1009]);

/**
 * Whether a peer closed with `code` may open a new socket for the same purpose by itself. Codes that are not
 * in the table, among them 1006, are taken as transient: come back, with backoff.
 */
export function mayComeBack(code: number): boolean {
  if (code >= 4500 && code <= 4999) return false;
  return !FINAL_STANDARD_CODES.has(code);
}
