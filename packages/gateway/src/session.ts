/**
 * What a membership is: data, apart from the sockets that carry it. A session is one peer's membership in a
 * room; today it ends with its socket.
 */
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Link } from './link.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type Socket } from './socket.ts';

/** What this node holds of one room: sessions of peers that are here, and the way to those that are not. */
export interface Room {
  readonly code: RoomCode;
  readonly epoch: Epoch;
  readonly hostNode: NodeId;
  /** When its first peer came to this node, on the node's own clock. */
  readonly sinceMs: number;
  /** Defined on the host's node only. */
  host: HostSession | undefined;
  /** The players whose sockets are here. */
  readonly players: Map<PlayerId, PlayerSession>;
  /** To the other nodes with peers in this room: on the host's node one for each, elsewhere the one to the host's. */
  readonly links: Map<NodeId, Link>;
  /** The last stream of each node that was given up here. */
  readonly cutStreams: Map<NodeId, number>;
}

export interface HostSession {
  readonly room: Room;
  readonly socket: Socket;
  readonly name: string;
  readonly maxPlayers: number;
  /** Milliseconds of the store's clock. */
  readonly openedAtMs: number;
  isLocked: boolean;
  /** One more than any player id announced. */
  nextPlayer: number;
  /** Every announced player that has not left, wherever it is, by joining. */
  readonly members: Map<PlayerId, Member>;
  /** Grows whenever everything sent to the host has left. */
  backlogPeriod: number;
  /** Bytes that players sent towards the host in this period. */
  periodBytes: number;
}

/** What the host's node knows of one player. */
export interface Member {
  readonly player: PlayerId;
  readonly node: NodeId;
  /** Defined when the player's socket is on the host's node. */
  readonly session: PlayerSession | undefined;
  /** It was sent away and has not left yet. */
  isClosing: boolean;
  /** The last frame relayed to it by a list of ids, so that an id listed twice counts once. */
  lastListing: number;
  /** What it sent towards the host in `backlogPeriod`. */
  backlogPeriod: number;
  periodBytes: number;
}

export interface PlayerSession {
  readonly room: Room;
  readonly player: PlayerId;
  readonly socket: Socket;
  /** Its host has been told of it: from here on a frame to everybody is for it as well. */
  isKnown: boolean;
}
