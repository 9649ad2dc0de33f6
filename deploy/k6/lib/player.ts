/** One socket of a player: it says hello, talks, and checks what it hears. */
import { Awaited, nowMs } from './clock.ts';
import { type Host } from './host.ts';
import { counts, times } from './metrics.ts';
import { bytesOf, Payload, payloadOf } from './payload.ts';
import { ANSWER_BYTES, isBinary, TO_ALL, type Plan } from './plan.ts';
import { Socket } from './socket.ts';
import { Tally } from './tally.ts';

export class Player {
  readonly index: number;
  /** Its id, as its host learns it with its first frame. */
  id: number | undefined;
  sent = 0;
  /** What of its frames came to the host. */
  readonly toHost = new Tally('first frame');
  readonly answers = new Tally('first frame');
  answersSent = 0;
  readonly fromHost = new Tally('anywhere');
  /** The host's first answer has come: it is in. */
  readonly joined: Awaited<void>;
  readonly closed: Promise<number>;
  /** `undefined` as long as its socket lives. */
  closeCode: number | undefined;
  #sentToAllAtClose: number | undefined;
  readonly #host: Host;
  readonly #plan: Plan;
  readonly #socket: Socket;
  #onClosed: (code: number) => void = () => undefined;

  /** @param index of this socket among all that this host's room ever sees */
  constructor(host: Host, index: number, plan: Plan) {
    this.index = index;
    this.#host = host;
    this.#plan = plan;
    this.joined = new Awaited(`the host's answer to player ${index}`, plan.patienceMs);
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    host.players.set(index, this);
    this.#socket = new Socket('player', host.code, {
      onOpen: () => this.say(),
      onFrame: (data) => this.#hear(data),
      onClose: (code, why) => this.#close(code, why),
    });
  }

  /** Its next frame to the host. */
  say(): void {
    if (!this.#socket.isOpen) return;
    const { form, playerBytes } = this.#plan;
    const stamp = { room: this.#host.room, stream: this.index, sequence: this.sent, sentMs: nowMs() };
    const text = payloadOf(stamp, playerBytes);
    this.#socket.send(isBinary(form, this.sent) ? bytesOf(text) : text);
    this.sent += 1;
  }

  /** How many frames to everybody its host has sent while its socket lived. */
  get sentToAll(): number {
    return this.#sentToAllAtClose ?? this.#host.sentToAll;
  }

  close(): void {
    this.#socket.close();
  }

  #hear(data: string | Uint8Array): void {
    const atMs = nowMs();
    const payload = typeof data === 'string' ? Payload.ofText(data) : Payload.ofBytes(data);
    const stamp = payload.stamp();
    const isFromUs =
      stamp?.room === this.#host.room && (stamp.stream === TO_ALL || stamp.stream === this.index);
    if (!isFromUs || isBinary(this.#plan.form, stamp.sequence) !== (typeof data !== 'string')) {
      counts.framesDamaged.add(1);
      return;
    }
    times.hostToPlayer.add(atMs - stamp.sentMs);
    counts.bytesReceived.add(payload.length);
    if (stamp.stream === TO_ALL) this.#hearAll(payload, stamp.sequence);
    else this.#hearAnswer(payload, stamp.sequence, atMs);
  }

  #hearAll(payload: Payload, sequence: number): void {
    if (sequence >= this.#host.sentToAll || !payload.isWhole(this.#plan.hostBytes))
      counts.framesDamaged.add(1);
    else this.fromHost.note(sequence);
  }

  #hearAnswer(payload: Payload, sequence: number, atMs: number): void {
    const asked = payload.stamp(1);
    if (sequence >= this.answersSent || asked?.stream !== this.index || !payload.isWhole(ANSWER_BYTES, 2)) {
      counts.framesDamaged.add(1);
      return;
    }
    this.answers.note(sequence);
    times.roundTrip.add(atMs - asked.sentMs);
    if (asked.sequence > 0) return;
    times.join.add(atMs - this.#socket.startedAtMs);
    counts.playersJoined.add(1);
    this.joined.settle();
  }

  #close(code: number, why: string): void {
    this.closeCode = code;
    this.#sentToAllAtClose = this.#host.sentToAll;
    this.joined.fail(new Error(`player ${this.index} was closed with ${code} (${why}) before it was in`));
    this.#onClosed(code);
  }
}
