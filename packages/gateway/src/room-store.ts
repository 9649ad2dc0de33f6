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

/**
 * Rejects only on failure (the store is out of reach); every expected answer is a value. An operation that names
 * an epoch does nothing to a room of another epoch, and doing it twice is doing it once.
 */
export interface RoomStore {
  /** Opens a room for joining. False when a live room has this code; nothing has changed then. */
  create(room: NewRoom): Promise<boolean>;

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

  /** The name of the live room with this code, or `undefined`. */
  find(code: RoomCode): Promise<string | undefined>;
}
