/** What a peer needs of the node it is on. */
import { type CloseName } from '@wmbp/protocol';
import { type Journal } from './journal.ts';
import { type Metrics } from './metrics.ts';
import { type Relay } from './relay.ts';
import { type Rooms } from './rooms.ts';
import { type SocketListener } from './socket.ts';
import { type UnknownCodes } from './unknown-codes.ts';
import { type UnpreparedHosts } from './unprepared-hosts.ts';

/** One peer, from its first frame to its last. */
export interface Peer extends SocketListener {
  /** Sends the peer away, for any reason of the gateway's; a host's room ends with it. */
  end(why: CloseName): void;
}

export interface PeerDuties {
  readonly rooms: Rooms;
  readonly relay: Relay;
  readonly unknownCodes: UnknownCodes;
  readonly unprepared: UnpreparedHosts;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly maxFrameBytes: number;
  readonly prepareTimeoutMs: number;
  /** No new rooms or joins any more. */
  isDraining(): boolean;
  /** Work for one peer; its failure is logged once and closes that peer. */
  attempt(peer: Peer, work: Promise<void>): void;
  /** The peer's socket is gone. */
  forget(peer: Peer): void;
}
