/** What a node counts, in plain numbers that cost nothing to change; who publishes them reads them. */
import { CLOSE, type CloseName } from '@wmbp/protocol';

/** Counted from 0 on, since what appears for the first time has not grown in Prometheus' eyes. */
const REFUSALS: readonly CloseName[] = [
  'notARoom',
  'nodeRestarting',
  'tooManySockets',
  'roomNotFound',
  'tooManyUnknownCodes',
  'roomStarted',
  'roomFull',
];
const EXPULSIONS: readonly CloseName[] = [
  'flooding',
  'frameTooLarge',
  'internalError',
  'nodeRestarting',
  'tooManyRooms',
  'tooManyIdleHosts',
  'linkLost',
  'unavailable',
  'slowConsumer',
  'notPrepared',
  'seatLost',
  'roomLost',
];
const CODES: readonly number[] = Object.values(CLOSE).map(({ code }) => code);

export interface Traffic {
  sockets: number;
  framesIn: number;
  bytesIn: number;
  framesOut: number;
  bytesOut: number;
}

export interface OperationCount {
  count: number;
  totalMs: number;
}

export class Metrics {
  readonly host: Traffic = { sockets: 0, framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
  readonly player: Traffic = { sockets: 0, framesIn: 0, bytesIn: 0, framesOut: 0, bytesOut: 0 };
  /** Peers that were never let in, by reason. */
  readonly refusals = countsOf<CloseName>(REFUSALS);
  /** Peers that were in and were sent away by the gateway itself, by reason. */
  readonly expulsions = countsOf<CloseName>(EXPULSIONS);
  /** Sockets that ended, by code; `server`: a close frame of ours, `peer`: theirs, or none. */
  readonly closes = { server: countsOf(CODES), peer: new Map<number, number>() };
  /**
   * PROXY protocol: connections whose header counted, whose did not, and from a balancer that named nobody. `unread`,
   * where a balancer is configured: connections that ended without a request that could be read.
   */
  readonly proxyHeaders = { believed: 0, ignored: 0, missing: 0, unread: 0 };
  /** HTTP look-ups of a room, by answer. */
  readonly lookups = new Map<number, number>();
  /** Frames of hosts that were no command. */
  invalidCommands = 0;
  roomsOpened = 0;
  /** Between nodes. */
  readonly links = {
    envelopesOut: 0,
    itemsOut: 0,
    bytesOut: 0,
    envelopesIn: 0,
    bytesIn: 0,
    /** Given up, with the peers concerned. */
    lost: 0,
    resentItems: 0,
    /** Reasons to send again. */
    asked: 0,
    failed: 0,
    silent: 0,
    /** Frames that could not be kept; their peers were closed. */
    overflows: 0,
    duplicateItems: 0,
    gaps: 0,
  };
  /** Operations of the store, by name. */
  readonly storeOperations = new Map<string, Record<'ok' | 'failed', OperationCount>>();
  /** Rooms whose state was said to the store again. */
  assertions = 0;
  /** Of these, rooms that the store had lost. */
  restoredRooms = 0;
  /** Players announced as left because their node was gone. */
  reapedPlayers = 0;
  /** Other nodes that this one shares rooms with. */
  peerNodes = 0;

  storeOperation(operation: string, isOk: boolean, ms: number): void {
    const results = this.storeOperations.get(operation) ?? {
      ok: { count: 0, totalMs: 0 },
      failed: { count: 0, totalMs: 0 },
    };
    this.storeOperations.set(operation, results);
    const counted = isOk ? results.ok : results.failed;
    counted.count += 1;
    counted.totalMs += ms;
  }
}

function countsOf<Key>(keys: readonly Key[]): Map<Key, number> {
  return new Map(keys.map((key) => [key, 0]));
}

export function countIn<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
