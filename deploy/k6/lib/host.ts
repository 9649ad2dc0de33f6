/** One socket of a host: it opens a room, answers, talks to everybody, and checks what it hears. */
import { decodeEvent, encodeCommand, encodeTo, encodeToStr, type EventData } from './cbor.ts';
import { Awaited, nowMs } from './clock.ts';
import { counts, times } from './metrics.ts';
import { bytesOf, Payload, payloadOf, textOf, type Stamp } from './payload.ts';
import { ANSWER_BYTES, isBinary, TO_ALL, type Plan } from './plan.ts';
import { type Player } from './player.ts';
import { Socket } from './socket.ts';

export class Host {
  /** In the stamps of this room: a frame that went astray shows. */
  readonly room: number;
  /** Everybody who tried to join with this host, by index. */
  readonly players = new Map<number, Player>();
  code = '';
  sentToAll = 0;
  readonly opened: Awaited<void>;
  readonly closed: Promise<number>;
  closeCode: number | undefined;
  readonly #plan: Plan;
  readonly #socket: Socket;
  #onClosed: (code: number) => void = () => undefined;

  constructor(room: number, plan: Plan) {
    this.room = room;
    this.#plan = plan;
    this.opened = new Awaited('an open room', plan.patienceMs);
    this.closed = new Promise((resolve) => (this.#onClosed = resolve));
    this.#socket = new Socket('host', 'CREATE', {
      onOpen: () => this.#command({ cmd: 'prepare', max_players: plan.players, name: `k6 ${room}` }),
      onFrame: (data) => this.#hear(data),
      onClose: (code, why) => this.#close(code, why),
    });
  }

  toAll(): void {
    if (!this.#socket.isOpen) return;
    const stamp = { room: this.room, stream: TO_ALL, sequence: this.sentToAll, sentMs: nowMs() };
    this.sentToAll += 1;
    this.#send([], stamp.sequence, payloadOf(stamp, this.#plan.hostBytes));
  }

  /** Ends the room. */
  stop(): void {
    if (this.#socket.isOpen) this.#command({ cmd: 'stop' });
  }

  close(): void {
    this.#socket.close();
  }

  #command(command: Parameters<typeof encodeCommand>[0]): void {
    this.#socket.send(encodeCommand(command));
  }

  #send(players: readonly number[], sequence: number, text: string): void {
    const encode = isBinary(this.#plan.form, sequence) ? encodeTo : encodeToStr;
    this.#socket.send(encode(players, bytesOf(text)));
  }

  #hear(data: string | Uint8Array): void {
    if (typeof data === 'string') throw new Error('a text frame for a host');
    const event = decodeEvent(data);
    switch (event.cmd) {
      case 'prepare_reply':
        this.code = event.key ?? '';
        times.open.add(nowMs() - this.#socket.startedAtMs);
        this.opened.settle();
        return;
      case 'from':
      case 'from_str':
        if (event.data === undefined || event.from === undefined)
          throw new Error(`${event.cmd} without fields`);
        return this.#hearPlayer(event.from, event.data);
      case 'error':
        throw new Error(`the server refused a command: ${event.reason}`);
    }
  }

  #hearPlayer(id: number, data: EventData): void {
    const atMs = nowMs();
    const payload = Payload.ofEvent(data);
    const stamp = payload.stamp();
    const player = stamp && this.players.get(stamp.stream);
    if (player) player.id ??= id;
    if (
      player?.id !== id ||
      stamp?.room !== this.room ||
      stamp.sequence >= player.sent ||
      isBinary(this.#plan.form, stamp.sequence) !== (data.kind !== 'text') ||
      !payload.isWhole(this.#plan.playerBytes)
    ) {
      counts.framesDamaged.add(1);
      return;
    }
    player.toHost.note(stamp.sequence);
    times.playerToHost.add(atMs - stamp.sentMs);
    counts.bytesReceived.add(payload.length);
    if (stamp.sequence === 0 || this.#plan.answersAll) this.#answer(player, id, stamp);
  }

  #answer(player: Player, id: number, asked: Stamp): void {
    if (!this.#socket.isOpen) return;
    // Who is answered is in, and gets everything from here on.
    if (asked.sequence === 0) player.fromHost.mustHaveFrom(this.sentToAll);
    const stamp = { room: this.room, stream: player.index, sequence: player.answersSent, sentMs: nowMs() };
    player.answersSent += 1;
    this.#send([id], stamp.sequence, payloadOf(stamp, ANSWER_BYTES, textOf(asked)));
  }

  #close(code: number, why: string): void {
    this.closeCode = code;
    this.opened.fail(new Error(`the host was closed with ${code} (${why}) before its room was open`));
    this.#onClosed(code);
  }
}
