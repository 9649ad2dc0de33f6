/** PORT: one WebSocket, and who listens to it. */
import { type Close, type CloseName } from '@wmbp/protocol';

export interface Socket {
  /** The peer's IP address as text: dotted IPv4, or IPv6 in full (eight groups of four digits). */
  readonly address: string;

  /** False from the first `close`, or from the loss of the connection, on. */
  readonly isOpen: boolean;

  /**
   * Sends one frame after everything sent before. The frame leaves when the turn of the event loop ends: `bytes`
   * must not change until then (see `TurnBuffer`). Does nothing on a socket that is not open. Never throws.
   */
  send(bytes: Uint8Array, isBinary: boolean): void;

  /**
   * Closes with this code and reason, after everything sent before. The first call counts. From now on the
   * listener hears no frame; its `onClose` follows, once, not before this call has returned.
   */
  close(close: Close): void;
}

export interface SocketListener {
  /** One complete frame, in order. `bytes` is a view that is gone when this returns: copy what is kept. */
  onFrame(bytes: Uint8Array, isBinary: boolean): void;

  /** The socket is gone, whoever closed it. Called once, as the last of all. */
  onClose(): void;

  /** Everything sent so far has left: called at the end of every turn in which that is so after a send. */
  onDrained?(): void;

  /** The gateway sends the peer away: closes the socket with what has to be said before. */
  end?(why: CloseName): void;

  /**
   * The peer does not keep up: half of the bound is unsent, or something was for too long. Called before the
   * peer is closed for it; true when the cause was somebody else and is being removed.
   */
  mayBlameOther?(unsentBytes: number): boolean;
}
