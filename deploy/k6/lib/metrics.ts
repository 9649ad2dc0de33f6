/**
 * What the scripts measure, and what must hold in each. k6 lets a Rate or Trend without samples pass, and an exception
 * ends with exit code 0: hence the counts, and what may not be left at the end of a run.
 */
import { Counter, Trend } from 'k6/metrics';

const IS_TIME = true;

export const counts = {
  roomsFinished: new Counter('rooms_finished'),
  /** Up by one when a room begins, down when it has come to its end: cut off in between, it stays. */
  roomsUnfinished: new Counter('rooms_unfinished'),
  playersJoined: new Counter('players_joined'),
  exceptions: new Counter('exceptions'),
  framesSent: new Counter('frames_sent'),
  framesReceived: new Counter('frames_received'),
  answersReceived: new Counter('answers_received'),
  framesLost: new Counter('frames_lost'),
  framesDoubled: new Counter('frames_doubled'),
  framesOutOfOrder: new Counter('frames_out_of_order'),
  framesDamaged: new Counter('frames_damaged'),
  /** On their way to or from a peer when its socket was closed: nobody promises these. */
  framesCut: new Counter('frames_cut'),
  bytesReceived: new Counter('payload_bytes_received'),
  closes: new Counter('closes'),
  unexpectedCloses: new Counter('unexpected_closes'),
  /** Peers whose sockets were closed while they played, in scripts where they come back. */
  interruptions: new Counter('interruptions'),
  /** Sockets that came to nothing on the way back. */
  failedTries: new Counter('failed_tries'),
  /** Peers that were not back at the end. */
  peersAway: new Counter('peers_away'),
};

export const times = {
  /** From the attempt to connect until the host's first answer has come. */
  join: new Trend('join_time', IS_TIME),
  /** From the attempt to connect until the room has a code. */
  open: new Trend('open_time', IS_TIME),
  hostToPlayer: new Trend('host_to_player', IS_TIME),
  playerToHost: new Trend('player_to_host', IS_TIME),
  roundTrip: new Trend('round_trip', IS_TIME),
  /** From the close of a host's socket until its new room has a code. */
  hostBack: new Trend('host_back_after', IS_TIME),
  /** From the close of a player's socket until a host, the same or the one that came back, has answered it. */
  playerBack: new Trend('player_back_after', IS_TIME),
};

export const TREND_STATS = ['count', 'med', 'p(95)', 'p(99)', 'max'];

/** Codes that PROTOCOL.md §10 names; 1000 is our own, 1006 a lost connection, 0 one that was never made. */
export const CLOSE_CODES = [
  0, 1000, 1001, 1006, 1008, 1009, 1011, 1012, 1013, 4003, 4004, 4005, 4006, 4500, 4501, 4502, 4503, 4504,
];

/** What holds in every script, with what this one adds. */
export function thresholds(own: Readonly<Record<string, string[]>>): Record<string, string[]> {
  const all: Record<string, string[]> = {
    rooms_unfinished: ['count==0'],
    exceptions: ['count==0'],
    frames_lost: ['count==0'],
    frames_doubled: ['count==0'],
    frames_out_of_order: ['count==0'],
    frames_damaged: ['count==0'],
    unexpected_closes: ['count==0'],
  };
  // Without a threshold the summary does not learn of a tag's value.
  for (const code of CLOSE_CODES) all[`closes{code:${code}}`] = ['count>=0'];
  return Object.assign(all, own);
}
