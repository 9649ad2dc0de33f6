/** PORT: shared truth about rooms. Every operation is atomic; all nodes of a cluster see one store. */
import { type PlayerId, type RoomCode } from '@wmbp/protocol';
import { type Epoch, type NodeId } from './names.ts';

export interface NewRoom {
  readonly code: RoomCode;
  readonly epoch: Epoch;
  readonly name: string;
  /** 0 to 4294967295; 0 admits nobody. */
  readonly maxPlayers: number;
  /** The node that holds the host's socket. */
  readonly hostNode: NodeId;
}

export type JoinResult =
  | { readonly ok: true; readonly player: PlayerId; readonly epoch: Epoch; readonly hostNode: NodeId }
  | { readonly ok: false; readonly why: 'roomNotFound' | 'roomStarted' | 'roomFull' };

export interface FoundRoom {
  readonly name: string;
  readonly epoch: Epoch;
  readonly hostNode: NodeId;
}

export interface SeatedNodes {
  readonly epoch: Epoch;
  readonly nodes: readonly NodeId[];
}

/** What the host's node knows of its room. */
export interface RoomAssertion extends NewRoom {
  readonly openedAtMs: number;
  readonly isLocked: boolean;
  /** At least one more than any id seen. */
  readonly nextPlayer: number;
  readonly members: Iterable<readonly [PlayerId, NodeId]>;
}

export interface DisplacedRoom {
  readonly epoch: Epoch;
  readonly hostNode: NodeId;
}

/**
 * `kept`: the room was there. `restored`: it was not, and is again. `superseded`: another room, opened earlier,
 * has the code. `gone`: there is none, and it was not to be restored. A room: that one had the code, was opened later,
 * and made way.
 */
export type AssertedRoom = 'kept' | 'restored' | 'superseded' | 'gone' | DisplacedRoom;

/**
 * Rejects with `Unavailable`, within seconds, when the store is out of reach: the operation may have been carried
 * out or not, and an assertion later on puts it right. Rejects with another error for a bug. Every expected answer is a
 * value. An operation that names an epoch does nothing to a room of another epoch, and doing it twice is doing it once.
 */
export interface RoomStore {
  /**
   * Opens a room for joining. Answers when, in milliseconds of the store's clock; `undefined` when a live room has
   * this code: nothing has changed then. Rejects with `RoomMoving` sooner than the others, since another code does
   * as well.
   */
  create(room: NewRoom): Promise<number | undefined>;

  /**
   * Takes a seat. Ids count from 1 in order of joining and are never given twice in one room. A started room
   * answers `roomStarted` even when it is full as well. A refusal changes nothing.
   */
  join(code: RoomCode, node: NodeId): Promise<JoinResult>;

  /** Gives a seat back. True when the player had one: of two calls one is answered true. */
  leave(code: RoomCode, epoch: Epoch, player: PlayerId): Promise<boolean>;

  /** From now on nobody may join. False when there is no such room. */
  lock(code: RoomCode, epoch: Epoch): Promise<boolean>;

  /** Ends the room; its code is free. False when there was no such room. */
  close(code: RoomCode, epoch: Epoch): Promise<boolean>;

  /** The live room with this code, or `undefined`. */
  find(code: RoomCode): Promise<FoundRoom | undefined>;

  /** The nodes that have seats in the room, and whose room it is; `undefined` when there is none. */
  seatedNodes(code: RoomCode): Promise<SeatedNodes | undefined>;

  /** Takes the seats of a node that is gone; answers whose they were. */
  reap(code: RoomCode, epoch: Epoch, node: NodeId): Promise<readonly PlayerId[]>;

  /**
   * Makes the store agree with the host's node: fields and members are written, seats of that node that are not
   * among the members are given back. @param mayRestore whether a room that is missing is opened again
   */
  assertRoom(room: RoomAssertion, mayRestore: boolean): Promise<AssertedRoom>;

  /**
   * Makes the store agree with a node that holds these players of a room, and only these: other seats of the node
   * are given back. Answers which of the players have no seat; `undefined` when there is no such room.
   * @param epoch `undefined`: of whichever room has the code
   */
  assertPlayers(
    code: RoomCode,
    epoch: Epoch | undefined,
    node: NodeId,
    players: Iterable<PlayerId>,
  ): Promise<readonly PlayerId[] | undefined>;

  /** The room is alive: call every few minutes on the host's node, or it is forgotten. */
  keep(code: RoomCode): Promise<void>;
}
