/** What a node counts, in plain numbers that cost nothing to change; who publishes them reads them. */
import { type CloseName } from '@wmbp/protocol';

export interface Traffic {
  sockets: number;
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
}

export class Metrics {
  readonly host: Traffic = { sockets: 0, framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
  readonly player: Traffic = { sockets: 0, framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
  /** Peers that were never let in, by reason. */
  readonly refusals = new Map<CloseName, number>();
  /** Sockets that ended, by code; `server`: a close frame of ours, `peer`: theirs, or none. */
  readonly closes = { server: new Map<number, number>(), peer: new Map<number, number>() };
  /** HTTP look-ups of a room, by answer. */
  readonly lookups = new Map<number, number>();
  /** Frames of hosts that were no command. */
  invalidCommands = 0;
  roomsOpened = 0;
}

export function countIn<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
