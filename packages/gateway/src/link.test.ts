/** Two ends of a link over ways that lose, double, delay and reorder: what arrives is exact, whatever happens. */
import { describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { CALM, frame, play, Simulation, type Faults } from '../test/link-simulation.ts';
import { FULL_BYTES } from './envelope.ts';
import { Link, type LinkEnds, type LinkWays } from './link.ts';
import { Metrics } from './metrics.ts';
import { type Epoch, type NodeId } from './names.ts';
import { LinkBudget, MAX_AGE_MS } from './outgoing.ts';

const ENDS: LinkEnds = { epoch: 7 as Epoch, source: 1 as NodeId, stream: 99 };
const WAYS: LinkWays = {
  now: () => 0,
  publish: () => undefined,
  deliver: () => undefined,
  onLost: () => undefined,
  wake: () => undefined,
};

function expectExact({ verdict }: Simulation): void {
  expect(verdict).toBe('exact');
}

const FAULTS: readonly (readonly [string, Faults])[] = [
  ['lose', { ...CALM, lost: 0.3 }],
  ['double', { ...CALM, doubled: 0.3 }],
  ['reorder', { ...CALM, delayMs: [1, 60] }],
  ['fail to publish', { ...CALM, failed: 0.3 }],
  ['do all of it', { ...CALM, lost: 0.2, doubled: 0.2, failed: 0.2, delayMs: [1, 200] }],
];

describe.each(FAULTS)('over ways that %s', (_, faults) => {
  test('every item arrives once and in order, both ways, and nothing is kept in the end', () => {
    for (let seed = 1; seed <= 40; seed += 1) expectExact(play(seed, faults));
  });

  test('the same while one end dies and comes back: nothing of a link of the past is heard', () => {
    for (let seed = 1; seed <= 40; seed += 1) expectExact(play(seed, faults, { dies: 0.005 }));
  });
});

describe('on calm ways', () => {
  test('nothing is sent twice, however long the way is', () => {
    const far = { ...CALM, delayMs: [200, 200] as const };
    const { first, second } = play(1, far, { forMs: 2000, afterwards: far });
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

  test('no envelope is larger than one publish should carry, and large frames arrive whole', () => {
    const simulation = new Simulation(1, CALM);
    const lengths: number[] = [];
    const carry = simulation.carry.bind(simulation);
    simulation.carry = (envelope, from) => {
      lengths.push(envelope.length);
      carry(envelope, from);
    };
    for (const length of [2_000_000, 10, FULL_BYTES, 300_000]) simulation.first.say(frame(length, length));
    simulation.settle(5000);
    expectExact(simulation);
    expect(Math.max(...lengths)).toBeLessThan(2 * FULL_BYTES + 100);
    expect(lengths.length).toBeGreaterThan(8);
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

test('after an outage everything is sent again once, however long that takes', () => {
  const simulation = new Simulation(1, CALM);
  for (let ms = 0; ms < 9000; ms += 1) {
    if (ms === 1000) simulation.faults = { ...CALM, lost: 1 };
    if (ms === 6000) simulation.faults = { ...CALM, failed: 1 };
    if (ms % 20 === 0) simulation.first.say(frame(ms));
    simulation.step();
  }
  const before = simulation.first.counts.resentItems;
  const due = simulation.first.said.length - simulation.second.heard.length;
  simulation.faults = { ...CALM, delayMs: [50, 100], eachMs: 5 };
  simulation.settle(30_000);
  expectExact(simulation);
  expect(simulation.first.counts.resentItems - before).toBeLessThan(1.2 * due);
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

describe('trouble is counted', () => {
  test('what is lost: silence is suspicious, the receiver asks, and what it lacked is sent again', () => {
    const simulation = new Simulation(1, CALM);
    simulation.first.say(frame(1));
    simulation.step();
    simulation.faults = { ...CALM, lost: 1 };
    for (const number of [2, 3]) {
      simulation.first.say(frame(number));
      simulation.step();
    }
    simulation.faults = CALM;
    simulation.settle(5000);
    expectExact(simulation);
    const { first, second } = simulation;
    expect(first.counts).toMatchObject({ itemsOut: 3, resentItems: 2, silent: 1, asked: 1, failed: 0 });
    expect(second.counts).toMatchObject({ gaps: 1, duplicateItems: 0 });
  });

  test('what fails to be published: once, however often it is tried', () => {
    const simulation = new Simulation(1, { ...CALM, failed: 1 });
    for (let ms = 0; ms < 2000; ms += 1) {
      if (ms === 0) simulation.first.say(frame(1));
      simulation.step();
    }
    simulation.faults = CALM;
    simulation.settle(10_000);
    expectExact(simulation);
    expect(simulation.first.counts).toMatchObject({ failed: 1, asked: 0, silent: 0 });
    expect(simulation.first.counts.resentItems).toBeGreaterThan(1);
  });

  test('what arrives twice', () => {
    const simulation = new Simulation(1, { ...CALM, doubled: 1 });
    for (const number of [1, 2, 3]) {
      simulation.first.say(frame(number));
      simulation.step();
    }
    simulation.settle(5000);
    expectExact(simulation);
    expect(simulation.second.counts).toMatchObject({ duplicateItems: 3, gaps: 0 });
  });
});

test('a way that is blocked for longer than a minute is given up, and not before', () => {
  const simulation = new Simulation(1, { ...CALM, failed: 1 });
  simulation.first.say(frame(1));
  for (let ms = 0; ms < MAX_AGE_MS; ms += 1) simulation.step();
  expect(simulation.first.lost).toBe(0);
  for (let ms = 0; ms < 3000; ms += 1) simulation.step();
  expect(simulation.first.lost).toBeGreaterThan(0);
});

test('one link does not keep what all of them together may', () => {
  const budget = new LinkBudget(1024 * 1024 * 1024);
  const link = new Link(ENDS, budget, new Metrics().links, WAYS);
  let taken = 0;
  while (taken < 200 && link.append(frame(taken, 1_000_000))) taken += 1;
  expect(taken).toBeGreaterThan(50);
  expect(taken).toBeLessThan(80);
  link.close();
  expect(budget.bytes).toBe(0);
});

test('an envelope of a link of the past changes nothing', () => {
  const simulation = new Simulation(1, CALM);
  simulation.first.say(frame(1));
  for (let ms = 0; ms < 500; ms += 1) simulation.step();
  const old = new Simulation(1, CALM);
  const stale: Uint8Array[] = [];
  old.carry = (envelope) => void stale.push(envelope);
  const { first } = old;
  const link = new Link(ENDS, first.budget, first.counts, {
    ...WAYS,
    publish: (envelope) => void stale.push(envelope),
  });
  link.append(frame(5));
  link.flush();
  for (const envelope of stale) simulation.second.hear(envelope);
  expect(simulation.second.heard).toHaveLength(1);
});
