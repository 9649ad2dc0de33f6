/** A player's socket: admitted or refused, then every frame relayed as it is. */
import { CLOSE, type CloseName, type RoomCode } from '@wmbp/protocol';
import { HeldFrames } from './held-frames.ts';
import { type Peer, type PeerDuties } from './peer-duties.ts';
import { type PlayerSession } from './session.ts';
import { type Socket } from './socket.ts';

/** `joining`: the store is asked; frames wait. `refused`: frames go nowhere, the socket closes or will. */
type PlayerState =
  | { readonly kind: 'joining'; readonly held: HeldFrames }
  | { readonly kind: 'open'; readonly session: PlayerSession }
  | { readonly kind: 'refused' };

export class PlayerPeer implements Peer {
  readonly #socket: Socket;
  readonly #code: RoomCode;
  readonly #duties: PeerDuties;
  #state: PlayerState;

  constructor(socket: Socket, code: RoomCode, duties: PeerDuties) {
    this.#socket = socket;
    this.#code = code;
    this.#duties = duties;
    const held = new HeldFrames(duties.maxFrameBytes);
    this.#state = { kind: 'joining', held };
    duties.attempt(this, this.#join(held));
  }

  onFrame(bytes: Uint8Array, isBinary: boolean): void {
    const state = this.#state;
    if (bytes.length > this.#duties.maxFrameBytes) this.end('frameTooLarge');
    else if (state.kind === 'open') this.#duties.relay.toHost(state.session, bytes, isBinary);
    else if (state.kind === 'joining' && !state.held.hold(bytes, isBinary)) this.end('flooding');
  }

  onClose(): void {
    const state = this.#state;
    this.#state = { kind: 'refused' };
    if (state.kind === 'open') this.#duties.rooms.leave(state.session);
    this.#duties.forget(this);
  }

  /** Sends the player away; its room goes on. */
  end(why: CloseName): void {
    if (!this.#socket.isOpen) return;
    this.#duties.journal.expelled(why, this.#socket.address);
    this.#socket.close(CLOSE[why]);
  }

  async #join(held: HeldFrames): Promise<void> {
    const outcome = await this.#duties.rooms.join(this.#code, this.#socket);
    if (outcome.ok) {
      this.#state = { kind: 'open', session: outcome.session };
      held.replay((bytes, isBinary) => {
        if (this.#socket.isOpen) this.onFrame(bytes, isBinary);
      });
      return;
    }
    this.#state = { kind: 'refused' };
    if (outcome.why === 'roomNotFound') this.#answerUnknownCode();
    else if (outcome.why !== 'socketGone') this.#refuse(outcome.why);
  }

  #answerUnknownCode(): void {
    this.#duties.unknownCodes.answer(this.#socket.address, (isTooMany) => {
      this.#refuse(isTooMany ? 'tooManyUnknownCodes' : 'roomNotFound');
    });
  }

  #refuse(why: CloseName): void {
    this.#duties.journal.refused(why, this.#socket.address);
    this.#socket.close(CLOSE[why]);
  }
}
