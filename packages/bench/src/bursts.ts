/**
 * Closed loop with a fixed window: a room sends `window` frames on each of its streams at once, and the next burst when
 * every one has arrived. A faster and a slower subject thus get the same pieces to work on, and neither has to drop any.
 */
import { echoAtHost } from './echo.ts';
import { encodeFrame, OPCODE } from './frames.ts';
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { createPayload } from './payload.ts';
import { receiveAtHost, receiveAtPlayer } from './receivers.ts';
import { Room, type Player } from './room.ts';
import { StampedFrames, type NumberedFrame } from './stamped-frames.ts';
import type { Stream } from './tally.ts';
import { encodeTo } from './wire.ts';

interface Pattern {
  readonly deliveries: number;
  readonly streams: readonly Stream[];
  send(firstSequence: number): void;
}

/** Wires the receivers of a room. `onDelivery` is to be called for each payload that reached its end. */
type Wire = (room: Room, job: Job, meter: Meter, onDelivery: () => void) => Pattern;

const PATTERNS: Readonly<Record<string, Wire>> = {
  'fan-in': wireFanIn,
  unicast: wireUnicast,
  'broadcast-8': wireBroadcast,
  'broadcast-200': wireBroadcast,
  echo: wireEcho,
  rooms: wireFanIn,
};

/** Hosts that connect at the same time. */
const ROOMS_AT_ONCE = 32;

export async function runBursts(job: Job): Promise<Sample> {
  const wire = PATTERNS[job.scenario];
  if (!wire) throw new Error(`no such scenario: ${job.scenario}`);
  const meter = new Meter(job);
  const bursts = await openRooms(job, meter, wire);
  // A room that is done waits until all others had their turn.
  const waiting = [...bursts];
  const startNext = (done?: Burst): void => {
    if (done && !done.isItsTurn) waiting.push(done);
    const next = done?.isItsTurn ? done : waiting.shift();
    if (meter.isRunning) next?.start(startNext);
  };
  for (let i = 0; i < job.roomsInFlight; i++) startNext();
  const { perCpuSecond, ...measured } = await meter.measure(() => bursts.every((burst) => burst.isDone));
  for (const burst of bursts) burst.end();
  return { ...measured, values: { perCpuSecond }, integrity: meter.integrity };
}

async function openRooms(job: Job, meter: Meter, wire: Wire): Promise<Burst[]> {
  const bursts: Burst[] = [];
  while (bursts.length < job.rooms) {
    const count = Math.min(ROOMS_AT_ONCE, job.rooms - bursts.length);
    const opening = Array.from({ length: count }, (_, i) =>
      openRoom(portsOf(job, bursts.length + i), job, meter, wire),
    );
    bursts.push(...(await Promise.all(opening)));
  }
  return bursts;
}

/** Of the nodes that hold a room. */
function portsOf({ ports, isApart }: Job, room: number): readonly number[] {
  return isApart ? ports.slice(room % ports.length).slice(0, 1) : ports;
}

async function openRoom(ports: readonly number[], job: Job, meter: Meter, wire: Wire): Promise<Burst> {
  const room = new Room(ports, job.players, { onFrom: () => {}, onUnexpected: meter.unexpected });
  await room.fill(job.players);
  await room.introduce();
  return new Burst(room, job, meter, wire);
}

class Burst {
  readonly #meter: Meter;
  readonly #window: number;
  readonly #pattern: Pattern;
  readonly #inTurn: number;
  #left = 0;
  #lastSequence = 0;
  #sentInTurn = 0;
  #onDone: (burst: Burst) => void = () => {};

  constructor(room: Room, job: Job, meter: Meter, wire: Wire) {
    this.#meter = meter;
    this.#window = job.window;
    this.#inTurn = job.burstsInTurn;
    this.#pattern = wire(room, job, meter, () => this.#onDelivery());
  }

  get isDone(): boolean {
    return this.#left <= 0;
  }

  /** Still, after at least one. */
  get isItsTurn(): boolean {
    return this.#sentInTurn < this.#inTurn;
  }

  start(onDone: (burst: Burst) => void): void {
    this.#onDone = onDone;
    this.#sentInTurn = this.isItsTurn ? this.#sentInTurn + 1 : 1;
    this.#left = this.#pattern.deliveries;
    const first = this.#lastSequence + 1;
    this.#lastSequence += this.#window;
    this.#pattern.send(first);
  }

  end(): void {
    for (const stream of this.#pattern.streams) stream.ended(this.#lastSequence);
  }

  #onDelivery(): void {
    this.#meter.units += 1;
    this.#left -= 1;
    if (this.#left === 0) this.#onDone(this);
  }
}

function wireFanIn(room: Room, job: Job, meter: Meter, onDelivery: () => void): Pattern {
  return {
    deliveries: job.players * job.window,
    streams: receiveAtHost(room, meter, job.payloadBytes, onDelivery),
    send: sendFromPlayers(room, job),
  };
}

function wireEcho(room: Room, job: Job, meter: Meter, onDelivery: () => void): Pattern {
  const atHost = echoAtHost(room, meter, job.payloadBytes);
  const atPlayers = room.players.map((player, stream) =>
    receiveAtPlayer(player, meter, { stream, payloadBytes: job.payloadBytes }, onDelivery),
  );
  return {
    deliveries: job.players * job.window,
    streams: [...atHost, ...atPlayers],
    send: sendFromPlayers(room, job),
  };
}

/** The host's frames take turns: player 1, 2, … 8, 1, 2, … */
function wireUnicast(room: Room, job: Job, meter: Meter, onDelivery: () => void): Pattern {
  const streams = room.players.map((player, stream) =>
    receiveAtPlayer(player, meter, { stream, payloadBytes: job.payloadBytes }, onDelivery),
  );
  const frames = new StampedFrames(
    turns(job).flatMap((turn) => room.players.map(({ id }, stream) => commandFrame([id], stream, turn, job))),
  );
  return {
    deliveries: job.players * job.window,
    streams,
    send: (first) => room.host.write(frames.stamp(first)),
  };
}

function wireBroadcast(room: Room, job: Job, meter: Meter, onDelivery: () => void): Pattern {
  const expected = { stream: 0, payloadBytes: job.payloadBytes };
  const streams = room.players.map((player) => receiveAtPlayer(player, meter, expected, onDelivery));
  const frames = new StampedFrames(turns(job).map((turn) => commandFrame([], 0, turn, job)));
  return {
    deliveries: job.players * job.window,
    streams,
    send: (first) => room.host.write(frames.stamp(first)),
  };
}

function sendFromPlayers(room: Room, job: Job): (firstSequence: number) => void {
  const sending = room.players.map(({ socket }: Player, stream) => {
    const payload = createPayload(stream, job.payloadBytes);
    const frame = encodeFrame(OPCODE.binary, payload);
    const digitsAt = frame.length - payload.length;
    return {
      socket,
      frames: new StampedFrames(turns(job).map((turn) => ({ frame, digitsAt, stride: 1, turn }))),
    };
  });
  return (first) => {
    for (const { socket, frames } of sending) socket.write(frames.stamp(first));
  };
}

function commandFrame(to: readonly number[], stream: number, turn: number, job: Job): NumberedFrame {
  const { bytes, dataAt } = encodeTo(to, createPayload(stream, job.payloadBytes));
  const frame = encodeFrame(OPCODE.binary, bytes);
  return { frame, digitsAt: frame.length - bytes.length + dataAt + 1, stride: 2, turn };
}

function turns(job: Job): number[] {
  return Array.from({ length: job.window }, (_, turn) => turn);
}
