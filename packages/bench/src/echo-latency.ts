/**
 * Open loop: players take turns to send at a fixed rate, whether or not the last echo is back, and the time from a
 * player's write to the echo at that player is measured. The load's own share is in it, the same for every subject.
 */
import { echoAtHost } from './echo.ts';
import { encodeFrame, OPCODE } from './frames.ts';
import type { Job, Sample } from './job.ts';
import { Meter } from './meter.ts';
import { createPayload, writeSequence } from './payload.ts';
import { receiveAtPlayer } from './receivers.ts';
import { Room, type Player } from './room.ts';
import { quantile } from './statistics.ts';
import type { Stream } from './tally.ts';

/** Timers are no finer than this. */
const TICK_MS = 1;
/** How many of a player's latest sends are remembered. */
const REMEMBERED = 1 << 10;

export async function runEchoLatency(job: Job): Promise<Sample> {
  const meter = new Meter(job);
  const latenciesUs: number[] = [];
  const rooms = await Promise.all(Array.from({ length: job.rooms }, () => openRoom(job, meter, latenciesUs)));
  // One player of each room after another, so that the frames of a tick belong to different rooms.
  const players = Array.from({ length: job.players }, (_, place) => rooms.map((room) => room[place])).flat();
  const senders = players.filter((player) => player !== undefined);
  const ticking = sendAtRate(senders, job.ratePerSecond);
  const { perCpuSecond: _throughput, ...measured } = await meter.measure(() => {
    clearInterval(ticking);
    return senders.every((player) => player.isDone);
  });
  for (const player of senders) player.end();
  latenciesUs.sort((a, b) => a - b);
  const values = { medianUs: quantile(latenciesUs, 0.5), p99Us: quantile(latenciesUs, 0.99) };
  return { ...measured, values, integrity: meter.integrity };
}

async function openRoom(job: Job, meter: Meter, latenciesUs: number[]): Promise<EchoPlayer[]> {
  const room = new Room(job.ports, job.players, { onFrom: () => {}, onUnexpected: meter.unexpected });
  await room.fill(job.players);
  await room.introduce();
  const atHost = echoAtHost(room, meter, job.payloadBytes);
  return room.players.map((player, place) => {
    const onLatency = (us: number): void => {
      meter.units += 1;
      if (meter.isMeasuring) latenciesUs.push(us);
    };
    return new EchoPlayer(player, {
      place,
      payloadBytes: job.payloadBytes,
      meter,
      onLatency,
      atHost: atHost[place],
    });
  });
}

function sendAtRate(players: readonly EchoPlayer[], ratePerSecond: number): NodeJS.Timeout {
  const startedAt = performance.now();
  let sent = 0;
  return setInterval(() => {
    const due = ((performance.now() - startedAt) * ratePerSecond) / 1000;
    for (; sent < due; sent++) players[sent % players.length]?.send();
  }, TICK_MS);
}

interface EchoContext {
  readonly place: number;
  readonly payloadBytes: number;
  readonly meter: Meter;
  readonly onLatency: (us: number) => void;
  readonly atHost: Stream | undefined;
}

class EchoPlayer {
  readonly #player: Player;
  readonly #payload: Uint8Array;
  readonly #streams: Stream[];
  readonly #sentAt = new Float64Array(REMEMBERED);
  #lastSent = 0;
  #received = 0;

  constructor(player: Player, { place, payloadBytes, meter, onLatency, atHost }: EchoContext) {
    this.#player = player;
    this.#payload = createPayload(place, payloadBytes);
    const atPlayer = receiveAtPlayer(player, meter, { stream: place, payloadBytes }, (sequence) => {
      this.#received += 1;
      onLatency((performance.now() - (this.#sentAt[sequence % REMEMBERED] ?? 0)) * 1000);
    });
    this.#streams = atHost ? [atHost, atPlayer] : [atPlayer];
  }

  get isDone(): boolean {
    return this.#received >= this.#lastSent;
  }

  send(): void {
    writeSequence(this.#payload, 0, 1, ++this.#lastSent);
    this.#sentAt[this.#lastSent % REMEMBERED] = performance.now();
    this.#player.socket.write(encodeFrame(OPCODE.binary, this.#payload));
  }

  end(): void {
    for (const stream of this.#streams) stream.ended(this.#lastSent);
  }
}
