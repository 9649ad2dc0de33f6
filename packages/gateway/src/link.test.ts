/** Two ends of a link over ways that lose, double, delay and reorder: what arrives is exact, whatever happens. */
import { describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { decodeHeader } from './envelope-header.ts';
import { type Item } from './envelope.ts';
import { Link, type LinkCounts } from './link.ts';
import { type Epoch, type NodeId } from './names.ts';
import { LinkBudget } from './outgoing.ts';

/** mulberry32: small, seeded, good enough to choose faults. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Faults {
  /** Probabilities for each envelope. */
  readonly lost: number;
  readonly doubled: number;
  readonly failed: number;
  readonly delayMs: readonly [number, number];
}

const CALM: Faults = { lost: 0, doubled: 0, failed: 0, delayMs: [1, 1] };

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock, two links, and the way between them. */
class Simulation {
  nowMs = 0;
  faults: Faults;
  readonly first: End;
  readonly second: End;
  readonly random: () => number;
  #events: Event[] = [];
  #order = 0;

  constructor(seed: number, faults: Faults) {
    this.random = random(seed);
    this.faults = faults;
    this.first = new End(this, 1);
    this.second = new End(this, 2);
    this.first.other = this.second;
    this.second.other = this.first;
  }

  after(ms: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + ms, order: (this.#order += 1), run });
  }

  /** Runs until both ends are settled; fails when that does not come. */
  settle(limitMs: number): void {
    while (this.nowMs < limitMs) {
      if (this.#events.length === 0 && this.first.link.isSettled && this.second.link.isSettled) return;
      this.step();
    }
    throw new Error(`not settled after ${limitMs} ms`);
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
    const { lost, doubled, failed, delayMs } = this.faults;
    const [least, most] = delayMs;
    if (this.random() < failed) return this.after(1, () => from.link.onFailed());
    if (this.random() < lost) return;
    const copies = this.random() < doubled ? 2 : 1;
    for (let i = 0; i < copies; i += 1) {
      this.after(least + Math.floor(this.random() * (most - least + 1)), () => from.other.hear(envelope));
    }
  }
}

class End {
  readonly link: Link;
  readonly heard: Item[] = [];
  readonly said: Item[] = [];
  readonly counts: LinkCounts = {
    itemsOut: 0,
    resentItems: 0,
    asked: 0,
    failed: 0,
    silent: 0,
    overflows: 0,
    duplicateItems: 0,
    gaps: 0,
  };
  readonly budget = new LinkBudget(64 * 1024 * 1024);
  published = 0;
  other!: End;

  constructor(simulation: Simulation, node: number) {
    const ends = { epoch: 7 as Epoch, source: node as NodeId, stream: node };
    this.link = new Link(ends, this.budget, this.counts, {
      now: () => simulation.nowMs,
      publish: (envelope) => {
        this.published += 1;
        simulation.carry(envelope, this);
      },
      deliver: (item) => this.heard.push('bytes' in item ? { ...item, bytes: item.bytes.slice() } : item),
      onLost: () => undefined,
      wake: () => undefined,
    });
  }

  hear(envelope: Uint8Array): void {
    const header = decodeHeader(envelope);
    const isFirst = this.link.peerStream === 0 && header?.peerStream === 0;
    if (header && (isFirst || this.link.isContinuedBy(header))) this.link.receive(header, envelope);
  }

  say(item: Item): void {
    if (this.link.append(item)) this.said.push(item);
  }
}

function frame(number: number, length = 4): Item {
  const bytes = new Uint8Array(Math.max(4, length));
  new DataView(bytes.buffer).setUint32(0, number);
  return { kind: 'toHost', player: playerId(1), bytes, isBinary: true };
}

/** Frames said both ways at random times over `forMs`, then `afterwards` until everything is settled. */
function play(seed: number, faults: Faults, forMs: number, afterwards: Faults = CALM): Simulation {
  const simulation = new Simulation(seed, faults);
  let number = 0;
  while (simulation.nowMs < forMs) {
    if (simulation.random() < 0.2) simulation.first.say(frame((number += 1)));
    if (simulation.random() < 0.05) simulation.first.say(frame((number += 1), simulation.random() * 600_000));
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

function expectExact({ first, second }: Simulation): void {
  expect(second.heard.map(digest)).toEqual(first.said.map(digest));
  expect(first.heard.map(digest)).toEqual(second.said.map(digest));
  expect(first.budget.bytes + second.budget.bytes).toBe(0);
}

function digest(item: Item): string {
  if (!('bytes' in item)) return item.kind;
  return `${new DataView(item.bytes.buffer, item.bytes.byteOffset).getUint32(0)} ${item.bytes.length}`;
}

const FAULTS: readonly (readonly [string, Faults])[] = [
  ['lose', { ...CALM, lost: 0.3 }],
  ['double', { ...CALM, doubled: 0.3 }],
  ['reorder', { ...CALM, delayMs: [1, 60] }],
  ['fail to publish', { ...CALM, failed: 0.3 }],
  ['do all of it', { lost: 0.2, doubled: 0.2, failed: 0.2, delayMs: [1, 200] }],
];

describe.each(FAULTS)('over ways that %s', (_, faults) => {
  test('every item arrives once and in order, both ways, and nothing is kept in the end', () => {
    for (let seed = 1; seed <= 40; seed += 1) expectExact(play(seed, faults, 400));
  });
});

describe('on calm ways', () => {
  test('nothing is sent twice, however long the way is', () => {
    const far = { ...CALM, delayMs: [200, 200] as const };
    const { first, second } = play(1, far, 2000, far);
    expect(first.counts).toMatchObject({ resentItems: 0, failed: 0 });
    expect(second.counts).toMatchObject({ duplicateItems: 0, gaps: 0 });
  });

  test('a one-way stream is acknowledged at most once in 100 ms', () => {
    const simulation = new Simulation(1, CALM);
    for (let ms = 0; ms < 2000; ms += 1) {
      simulation.first.say(frame(ms));
      simulation.step();
    }
    expect(simulation.second.published).toBeGreaterThan(15);
    expect(simulation.second.published).toBeLessThanOrEqual(21);
  });

  test('where both speak, no envelope is for acknowledging alone', () => {
    const simulation = new Simulation(1, CALM);
    for (let ms = 0; ms < 1000; ms += 1) {
      simulation.first.say(frame(ms));
      if (simulation.second.link.peerStream !== 0) simulation.second.say(frame(ms));
      simulation.step();
    }
    expect(simulation.first.published).toBe(1000);
    expect(simulation.second.published).toBeLessThanOrEqual(1000);
  });

  test('an idle link sends nothing', () => {
    const simulation = new Simulation(1, CALM);
    simulation.first.say(frame(1));
    for (let ms = 0; ms < 5000; ms += 1) simulation.step();
    expect([simulation.first.published, simulation.second.published]).toEqual([1, 1]);
    expect(simulation.first.link.deadlineMs).toBeUndefined();
  });
});

test('what the last envelope held is asked for, though nothing follows it', () => {
  const simulation = new Simulation(1, { ...CALM, lost: 1 });
  simulation.first.say(frame(1));
  simulation.step();
  simulation.faults = CALM;
  simulation.settle(5000);
  expectExact(simulation);
});

test('a way that is blocked gets tries, not everything again and again', () => {
  const simulation = new Simulation(1, { ...CALM, failed: 1 });
  for (let ms = 0; ms < 20_000; ms += 1) {
    if (ms % 20 === 0) simulation.first.say(frame(ms));
    simulation.step();
  }
  expect(simulation.first.published).toBeLessThan(20);
  simulation.faults = CALM;
  simulation.settle(30_000);
  expectExact(simulation);
});

test('frames that cannot be kept are refused, and what was accepted arrives', () => {
  const simulation = new Simulation(1, { ...CALM, lost: 1 });
  for (let i = 0; i < 100; i += 1) {
    simulation.first.say(frame(i, 1_000_000));
    simulation.step();
  }
  expect(simulation.first.counts.overflows).toBeGreaterThan(30);
  simulation.first.say({ kind: 'left', player: playerId(1) });
  simulation.faults = CALM;
  simulation.settle(30_000);
  expectExact(simulation);
  expect(simulation.second.heard.at(-1)).toEqual({ kind: 'left', player: 1 });
});

test('an envelope of a link of the past changes nothing', () => {
  const simulation = new Simulation(1, CALM);
  simulation.first.say(frame(1));
  for (let ms = 0; ms < 500; ms += 1) simulation.step();
  const old = new Simulation(1, CALM);
  const stale: Uint8Array[] = [];
  old.carry = (envelope) => void stale.push(envelope);
  const { first } = old;
  const link = new Link({ epoch: 7 as Epoch, source: 1 as NodeId, stream: 99 }, first.budget, first.counts, {
    now: () => 0,
    publish: (envelope) => void stale.push(envelope),
    deliver: () => undefined,
    onLost: () => undefined,
    wake: () => undefined,
  });
  link.append(frame(5));
  link.flush();
  for (const envelope of stale) simulation.second.hear(envelope);
  expect(simulation.second.heard).toHaveLength(1);
});
