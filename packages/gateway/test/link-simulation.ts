/** Two ends of a link, a clock, and a way between them that does what a seeded random source says. */
import { playerId } from '@wmbp/protocol';
import { seeded } from '@wmbp/testkit';
import { decodeHeader, type EnvelopeHeader } from '../src/envelope-header.ts';
import { type Item } from '../src/envelope.ts';
import { Link, type LinkCounts } from '../src/link.ts';
import { Metrics } from '../src/metrics.ts';
import { type Epoch, type NodeId } from '../src/names.ts';
import { LinkBudget } from '../src/outgoing.ts';

export interface Faults {
  /** Probabilities for each envelope. */
  readonly lost: number;
  readonly doubled: number;
  readonly failed: number;
  readonly delayMs: readonly [number, number];
  /** What an envelope takes that no other can have meanwhile: a way that is busy. */
  readonly eachMs: number;
}

export const CALM: Faults = { lost: 0, doubled: 0, failed: 0, delayMs: [1, 1], eachMs: 0 };

/** What is done to a mechanism of links so that it is not there; the simulation then has to notice. */
export interface Mutation {
  /** Called with what an end is about to hear; answers what it hears instead, nothing perhaps. */
  readonly hear?: (to: End, header: EnvelopeHeader, envelope: Uint8Array) => EnvelopeHeader | undefined;
  /** Called when an envelope is on its way. */
  readonly onPublished?: (simulation: Simulation, from: End, envelope: Uint8Array) => void;
  /** Envelopes of links of the past are heard like any other. */
  readonly hearsThePast?: boolean;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Simulation {
  nowMs = 0;
  faults: Faults;
  readonly mutation: Mutation;
  readonly first: End;
  readonly second: End;
  readonly random: () => number;
  #events: Event[] = [];
  #order = 0;

  constructor(seed: number, faults: Faults, mutation: Mutation = {}) {
    this.random = seeded(seed);
    this.faults = faults;
    this.mutation = mutation;
    this.first = new End(this, 1);
    this.second = new End(this, 2);
    this.first.other = this.second;
    this.second.other = this.first;
  }

  after(ms: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + ms, order: (this.#order += 1), run });
  }

  /** Runs until both ends are settled. @throws {Error} when that does not come */
  settle(limitMs: number): void {
    while (this.nowMs < limitMs) {
      if (this.isSettled) return;
      this.step();
    }
    throw new Error(`not settled after ${limitMs} ms: ${this.verdict}`);
  }

  get isSettled(): boolean {
    return this.#events.length === 0 && this.first.link.isSettled && this.second.link.isSettled;
  }

  step(): void {
    this.nowMs += 1;
    const due = this.#events.filter(({ atMs }) => atMs <= this.nowMs);
    this.#events = this.#events.filter(({ atMs }) => atMs > this.nowMs);
    for (const { run } of due.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)) run();
    for (const end of [this.first, this.second]) {
      end.link.flush();
      const { deadlineMs } = end.link;
      if (deadlineMs !== undefined && deadlineMs <= this.nowMs) end.link.tick();
    }
  }

  carry(envelope: Uint8Array, from: End): void {
    const { lost, doubled, failed, delayMs, eachMs } = this.faults;
    const [least, most] = delayMs;
    if (this.random() < failed) return this.after(1, () => from.link.onFailed());
    this.mutation.onPublished?.(this, from, envelope);
    if (this.random() < lost) return;
    from.busyUntilMs = Math.max(from.busyUntilMs, this.nowMs) + eachMs;
    const waitMs = from.busyUntilMs - this.nowMs;
    const copies = this.random() < doubled ? 2 : 1;
    for (let i = 0; i < copies; i += 1) {
      const ms = waitMs + least + Math.floor(this.random() * (most - least + 1));
      this.after(ms, () => from.other.hear(envelope));
    }
  }

  /** What is wrong with what arrived; `exact` when nothing is. */
  get verdict(): string {
    const { first, second } = this;
    const kept = first.budget.bytes + second.budget.bytes;
    return first.verdict ?? second.verdict ?? (kept === 0 ? 'exact' : `${kept} bytes are kept`);
  }
}

export class End {
  link: Link;
  /** Of the current link. */
  heard: Item[] = [];
  said: Item[] = [];
  readonly counts: LinkCounts = new Metrics().links;
  readonly budget = new LinkBudget(64 * 1024 * 1024);
  published = 0;
  /** Times that it gave its link up. */
  lost = 0;
  busyUntilMs = 0;
  /** Connected, and subscribed to nothing: what is published reaches nobody, and nobody says so. */
  isDeaf = false;
  other!: End;
  readonly #simulation: Simulation;
  readonly #node: number;
  #streams = 0;

  constructor(simulation: Simulation, node: number) {
    this.#simulation = simulation;
    this.#node = node;
    this.link = this.#begin();
  }

  /** Its node dies and comes back; the other end hears of it by the first envelope of the new link. */
  restart(): void {
    this.link.close();
    this.heard = [];
    this.said = [];
    this.link = this.#begin();
  }

  hear(envelope: Uint8Array): void {
    if (this.isDeaf) return;
    const { mutation } = this.#simulation;
    const decoded = decodeHeader(envelope);
    const header = decoded && mutation.hear ? mutation.hear(this, decoded, envelope) : decoded;
    if (!header) return;
    const { peerStream } = this.link;
    const isFirst = header.peerStream === 0 && header.stream > peerStream;
    // As `Links` does: the players' node has begun anew.
    if (isFirst && peerStream !== 0) this.restart();
    if (isFirst || this.link.isContinuedBy(header)) return this.link.receive(header, envelope);
    if (!mutation.hearsThePast) return;
    this.link.receive({ ...header, stream: peerStream, peerStream: this.link.stream }, envelope);
  }

  say(item: Item): void {
    if (this.link.append(item)) this.said.push(item);
  }

  /** What is wrong with what this end heard. */
  get verdict(): string | undefined {
    const said = this.other.said.map(nameOf);
    const heard = this.heard.map(nameOf);
    const index = said.findIndex((name, i) => name !== heard[i]);
    const at = index < 0 && heard.length > said.length ? said.length : index;
    if (at < 0) return undefined;
    const [due, came] = [said[at], heard[at]];
    if (came === undefined) return `${due} never came`;
    const place = said.indexOf(came);
    if (place < 0) return `${came} was never said on this link`;
    return place < at ? `${came} came again` : `${came} came before ${due}`;
  }

  #begin(): Link {
    this.#streams += 1;
    const simulation = this.#simulation;
    const stream = 10 * this.#streams + this.#node;
    const ends = { epoch: 7 as Epoch, source: this.#node as NodeId, stream };
    return new Link(ends, this.budget, this.counts, {
      now: () => simulation.nowMs,
      publish: (envelope) => {
        this.published += 1;
        simulation.carry(envelope, this);
      },
      deliver: (item) => this.heard.push('bytes' in item ? { ...item, bytes: item.bytes.slice() } : item),
      onLost: () => (this.lost += 1),
      wake: () => undefined,
    });
  }
}

export function frame(number: number, length = 4): Item {
  const bytes = new Uint8Array(Math.max(4, length));
  new DataView(bytes.buffer).setUint32(0, number);
  return { kind: 'toHost', player: playerId(1), bytes, isBinary: true };
}

function nameOf(item: Item): string {
  if (!('bytes' in item)) return item.kind;
  return `${new DataView(item.bytes.buffer, item.bytes.byteOffset).getUint32(0)} (${item.bytes.length} bytes)`;
}

export interface Play {
  readonly forMs: number;
  /** Of one frame in four; the others have four bytes. */
  readonly largestBytes: number;
  readonly afterwards: Faults;
  /** How likely the first end's node is to die in a millisecond. */
  readonly dies: number;
}

const PLAY: Play = { forMs: 400, largestBytes: 320_000, afterwards: CALM, dies: 0 };

/** Frames said both ways at random times, then `afterwards` until everything is settled. */
export function play(
  seed: number,
  faults: Faults,
  how: Partial<Play> = {},
  mutation: Mutation = {},
): Simulation {
  const { forMs, largestBytes, afterwards, dies } = { ...PLAY, ...how };
  const simulation = new Simulation(seed, faults, mutation);
  let number = 0;
  while (simulation.nowMs < forMs) {
    if (simulation.random() < dies) {
      simulation.first.restart();
      simulation.first.say(frame((number += 1)));
    }
    if (simulation.random() < 0.2) simulation.first.say(frame((number += 1)));
    if (simulation.random() < 0.05) {
      simulation.first.say(frame((number += 1), simulation.random() * largestBytes));
    }
    // The second end speaks when it has heard the first.
    if (simulation.second.link.peerStream !== 0 && simulation.random() < 0.2) {
      simulation.second.say(frame((number += 1)));
    }
    simulation.step();
  }
  simulation.faults = afterwards;
  simulation.settle(forMs + 30_000);
  return simulation;
}
