/** A host's socket: its commands carried out in order, from its first frame to the end of its room. */
import {
  CLOSE,
  decodeHostCommand,
  encodeHostEvent,
  ProtocolError,
  type CloseName,
  type HostCommand,
  type HostEvent,
} from '@wmbp/protocol';
import { HeldFrames } from './held-frames.ts';
import { type Peer, type PeerDuties } from './peer-duties.ts';
import { type HostSession, type Member } from './session.ts';
import { type Socket } from './socket.ts';
import { type UnpreparedHost } from './unprepared-hosts.ts';

const EMPTY_STATE: HostEvent = { cmd: 'state', name: '', players: [], max_players: 0, accept_conns: false };
const INVALID_MESSAGE = 'Invalid message.';
const NOT_PREPARED = 'Prepare the room first.';
const NO_FREE_CODE = 'Failed to find a unique room key';
/** Between half of the bound and all of it there are eleven times to send players away. */
const BLAME_AGAIN = 17 / 16;
/**
 * Who has sent less than this part of what was unsent when the first was blamed is not blamed: 2 MiB by default, a
 * drawing, that a player sends while its host still has a flood before it.
 */
const NO_FLOOD = 1 / 16;

/** `preparing`: the store is asked; commands wait. `over`: the socket closes or is gone. */
type HostState =
  | { readonly kind: 'unprepared' }
  | { readonly kind: 'preparing'; readonly held: HeldFrames }
  | { readonly kind: 'open'; readonly session: HostSession }
  | { readonly kind: 'over' };

type PrepareCommand = HostCommand & { cmd: 'prepare' };

export class HostPeer implements Peer, UnpreparedHost {
  readonly #socket: Socket;
  readonly #duties: PeerDuties;
  #prepareTimer: NodeJS.Timeout | undefined;
  #state: HostState = { kind: 'unprepared' };
  #blameAgainAtBytes = 0;
  #noFloodBytes = 0;

  constructor(socket: Socket, duties: PeerDuties) {
    this.#socket = socket;
    this.#duties = duties;
    this.#awaitPrepare();
    this.#tell(EMPTY_STATE);
  }

  get address(): string {
    return this.#socket.address;
  }

  onFrame(bytes: Uint8Array, isBinary: boolean): void {
    if (bytes.length > this.#duties.maxFrameBytes) return this.end('frameTooLarge');
    if (this.#state.kind !== 'preparing') return this.#command(bytes, isBinary);
    if (!this.#state.held.hold(bytes, isBinary)) this.end('flooding');
  }

  onClose(): void {
    this.#leaveUnprepared();
    const state = this.#state;
    this.#state = { kind: 'over' };
    if (state.kind === 'open') this.#duties.rooms.close(state.session, 'hostGone');
    this.#duties.forget(this);
  }

  onDrained(): void {
    if (this.#state.kind !== 'open') return;
    this.#state.session.backlogPeriod += 1;
    this.#state.session.periodBytes = 0;
    this.#blameAgainAtBytes = 0;
    this.#noFloodBytes = 0;
  }

  /** Players who send so much that their host cannot keep up are sent away before the host is. */
  mayBlameOther(unsentBytes: number): boolean {
    if (this.#state.kind !== 'open') return false;
    const { session } = this.#state;
    // Below, the host brought it upon itself (an event takes twice the bytes of a player's frame at most).
    const isByPlayers = session.periodBytes * 4 > unsentBytes;
    if (!isByPlayers || session.periodBytes < this.#blameAgainAtBytes) return false;
    this.#noFloodBytes ||= unsentBytes * NO_FLOOD;
    const flooders = floodersOf(session, this.#noFloodBytes);
    for (const flooder of flooders) {
      this.#duties.journal.expelled('flooding');
      this.#duties.rooms.closePlayer(session, flooder, 'flooding');
    }
    // What these sent is unsent for a while yet: that is no reason to send the next ones away.
    this.#blameAgainAtBytes = session.periodBytes * BLAME_AGAIN;
    return flooders.length > 0;
  }

  crowdOut(): void {
    this.end('tooManyIdleHosts');
  }

  /** Closes the host and ends its room, for any reason but its own `stop`. */
  end(why: CloseName): void {
    if (this.#state.kind === 'over') return;
    this.#duties.journal.expelled(why, this.#socket.address);
    this.#tell({ cmd: 'stop' });
    this.#close(why, why === 'nodeRestarting' ? why : 'hostGone');
  }

  #close(why: CloseName, whyForPlayers: CloseName): void {
    this.#leaveUnprepared();
    const state = this.#state;
    this.#state = { kind: 'over' };
    this.#socket.close(CLOSE[why]);
    if (state.kind === 'open') this.#duties.rooms.close(state.session, whyForPlayers);
  }

  #awaitPrepare(): void {
    const { unprepared, prepareTimeoutMs } = this.#duties;
    this.#prepareTimer = setTimeout(() => this.end('notPrepared'), prepareTimeoutMs).unref();
    unprepared.add(this);
  }

  #leaveUnprepared(): void {
    clearTimeout(this.#prepareTimer);
    this.#duties.unprepared.remove(this);
  }

  #command(bytes: Uint8Array, isBinary: boolean): void {
    const command = this.#decode(bytes, isBinary);
    if (!command) return;
    const state = this.#state;
    if (state.kind === 'open') this.#carryOut(state.session, command);
    else if (command.cmd === 'prepare') this.#prepare(command);
    else if (command.cmd === 'stop') this.#close('roomOver', 'roomOver');
    else this.#tell({ cmd: 'error', reason: NOT_PREPARED });
  }

  #decode(bytes: Uint8Array, isBinary: boolean): HostCommand | undefined {
    try {
      return decodeHostCommand(bytes, isBinary);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#duties.metrics.invalidCommands += 1;
      this.#tell({ cmd: 'error', reason: INVALID_MESSAGE });
      return undefined;
    }
  }

  #carryOut(session: HostSession, command: HostCommand): void {
    const { rooms, relay } = this.#duties;
    switch (command.cmd) {
      case 'to':
        return relay.toPlayers(session, command.to, command.data, true);
      case 'to_str':
        return relay.toPlayers(session, command.to, command.data, false);
      case 'prepare':
        return this.#tell({ cmd: 'prepare_reply', key: session.room.code });
      case 'start':
        return this.#duties.attempt(this, this.#start(session));
      case 'kick': {
        const member = session.members.get(command.player);
        if (member) rooms.closePlayer(session, member, 'kicked');
        return relay.state(session);
      }
      case 'stop':
        return this.#close('roomOver', 'roomOver');
    }
  }

  async #start(session: HostSession): Promise<void> {
    await this.#duties.rooms.lock(session);
    this.#duties.relay.state(session);
  }

  #prepare(command: PrepareCommand): void {
    if (this.#duties.isDraining()) return this.end('nodeRestarting');
    this.#leaveUnprepared();
    const held = new HeldFrames(this.#duties.maxFrameBytes);
    this.#state = { kind: 'preparing', held };
    this.#duties.attempt(this, this.#open(command, held));
  }

  async #open(command: PrepareCommand, held: HeldFrames): Promise<void> {
    const { rooms, relay } = this.#duties;
    const outcome = await rooms.create(this.#socket, command.name, command.max_players);
    if (!this.#socket.isOpen) {
      if (outcome.ok) rooms.close(outcome.host, 'hostGone');
      return;
    }
    if (!outcome.ok && outcome.why === 'tooManyRooms') return this.end('tooManyRooms');
    if (outcome.ok) {
      this.#state = { kind: 'open', session: outcome.host };
      relay.state(outcome.host);
      this.#tell({ cmd: 'prepare_reply', key: outcome.host.room.code });
    } else {
      this.#state = { kind: 'unprepared' };
      this.#awaitPrepare();
      this.#tell({ cmd: 'error', reason: NO_FREE_CODE });
    }
    held.replay((bytes, isBinary) => {
      if (this.#socket.isOpen) this.onFrame(bytes, isBinary);
    });
  }

  #tell(event: HostEvent): void {
    this.#socket.send(encodeHostEvent(event), true);
  }
}

/** Of those who are still here these sent most: no less than their average, and than half of who sent most. */
function floodersOf(host: HostSession, noFloodBytes: number): Member[] {
  const senders = [...host.members.values()].filter(
    (member) => !member.isClosing && member.backlogPeriod === host.backlogPeriod,
  );
  const sent = senders.map(({ periodBytes }) => periodBytes);
  const average = sent.reduce((sum, bytes) => sum + bytes, 0) / senders.length;
  const least = Math.max(average, Math.max(...sent) / 2, noFloodBytes);
  return senders.filter(({ periodBytes }) => periodBytes >= least);
}
