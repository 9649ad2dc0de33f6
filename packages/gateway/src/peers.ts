/** From socket to session: every open socket's listener, and who is let in at all. */
import { CLOSE, encodeHostEvent, type CloseName, type PathMeaning } from '@wmbp/protocol';
import { HostPeer } from './host-peer.ts';
import { type Journal } from './journal.ts';
import { type Log } from './log.ts';
import { type Metrics } from './metrics.ts';
import { PlayerPeer } from './player-peer.ts';
import { type Peer, type PeerDuties } from './peer-duties.ts';
import { type Relay } from './relay.ts';
import { type Rooms } from './rooms.ts';
import { type Socket, type SocketListener } from './socket.ts';
import { Unavailable } from './unavailable.ts';
import { type UnknownCodes } from './unknown-codes.ts';
import { UnpreparedHosts } from './unprepared-hosts.ts';

export interface PeerBounds {
  readonly maxFrameBytes: number;
  readonly maxSockets: number;
  readonly prepareTimeoutMs: number;
}

const REFUSED: SocketListener = { onFrame: () => undefined, onClose: () => undefined };

export class Peers {
  readonly #duties: PeerDuties;
  readonly #maxSockets: number;
  readonly #peers = new Set<Peer>();
  #isDraining = false;

  constructor(
    rooms: Rooms,
    relay: Relay,
    unknownCodes: UnknownCodes,
    journal: Journal,
    metrics: Metrics,
    bounds: PeerBounds,
    log: Log,
  ) {
    this.#maxSockets = bounds.maxSockets;
    this.#duties = {
      rooms,
      relay,
      unknownCodes,
      // A quarter, so that hosts that wait for a click leave room for games that are played.
      unprepared: new UnpreparedHosts(Math.max(1, Math.floor(bounds.maxSockets / 4))),
      journal,
      metrics,
      maxFrameBytes: bounds.maxFrameBytes,
      prepareTimeoutMs: bounds.prepareTimeoutMs,
      isDraining: () => this.#isDraining,
      attempt: (peer, work) => {
        work.catch((error: unknown) => {
          if (error instanceof Unavailable) return peer.end('unavailable');
          log.error({ error }, 'serving a peer failed');
          peer.end('internalError');
        });
      },
      forget: (peer) => this.#peers.delete(peer),
    };
  }

  get peers(): ReadonlySet<Peer> {
    return this.#peers;
  }

  /** A socket is open. Nobody listens to one that is refused. @param path what its URL path asks for */
  open(socket: Socket, path: PathMeaning): SocketListener {
    if (!path) return this.#refuse(socket, path, 'notARoom');
    if (this.#isDraining) return this.#refuse(socket, path, 'nodeRestarting');
    if (this.#peers.size >= this.#maxSockets) return this.#refuse(socket, path, 'tooManySockets');
    const peer =
      path.kind === 'create'
        ? new HostPeer(socket, this.#duties)
        : new PlayerPeer(socket, path.room, this.#duties);
    this.#peers.add(peer);
    return peer;
  }

  /** From now on nobody new is let in. */
  drain(): void {
    this.#isDraining = true;
  }

  #refuse(socket: Socket, path: PathMeaning, why: CloseName): SocketListener {
    this.#duties.journal.refused(why, socket.address);
    if (path?.kind === 'create') socket.send(encodeHostEvent({ cmd: 'stop' }), true);
    socket.close(CLOSE[why]);
    return REFUSED;
  }
}
