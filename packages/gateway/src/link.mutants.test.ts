/** Is the simulation good for anything? With each mechanism of links taken out in turn it has to notice. */
import { describe, expect, test } from '@jest/globals';
import {
  CALM,
  frame,
  play,
  Simulation,
  type End,
  type Faults,
  type Mutation,
  type Play,
} from '../test/link-simulation.ts';
import { decodeHeader, emptyEnvelope, HEADER_BYTES, type EnvelopeHeader } from './envelope-header.ts';
import { endOfItem, FIRST_ITEM_AT } from './item-reader.ts';
import { Probes } from './redis/probes.ts';

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1);

interface Mutant {
  readonly without: string;
  readonly faults: Faults;
  readonly how?: Partial<Play>;
  readonly mutate: () => Mutation;
  /** What the simulation says of it. */
  readonly says: RegExp;
}

const MUTANTS: readonly Mutant[] = [
  {
    without: 'numbers: what comes is taken for what comes next',
    faults: { ...CALM, delayMs: [1, 60] },
    mutate: () => ({ hear: withoutNumbers() }),
    says: /^\d+ \(4 bytes\) came before \d+ \(4 bytes\)$/,
  },
  {
    without: 'the ring: what was published counts as having arrived',
    faults: { ...CALM, lost: 0.2 },
    mutate: () => ({ onPublished: forget }),
    says: /^not settled after 30400 ms: \d+ \(4 bytes\) never came$/,
  },
  {
    without: 'the high-water mark: nobody tells how many items there are',
    faults: { ...CALM, lost: 0.3 },
    mutate: () => ({ hear: withoutMark }),
    says: /^not settled after 30400 ms: \d+ \(4 bytes\) never came$/,
  },
  {
    without: 'streams: envelopes of links of the past are heard',
    faults: { ...CALM, delayMs: [1, 200] },
    how: { dies: 0.02 },
    mutate: () => ({ hearsThePast: true }),
    says: /^not settled after 30400 ms: \d+ \(4 bytes\) was never said on this link$/,
  },
];

describe.each(MUTANTS)('without $without', ({ faults, how, mutate, says }) => {
  const small = { ...how, largestBytes: 4 };

  test('something else than what was said arrives, and the simulation says so', () => {
    const verdicts = SEEDS.map((seed) => outcome(() => play(seed, faults, small, mutate())));
    const noticed = verdicts.filter((verdict) => verdict !== 'exact');
    expect(noticed.length).toBeGreaterThan(0);
    for (const verdict of noticed) expect(verdict).toMatch(says);
  });

  test('with it, nothing of that kind happens', () => {
    for (const seed of SEEDS) expect(outcome(() => play(seed, faults, small))).toBe('exact');
  });
});

describe('a subscription that is deaf, though connected', () => {
  test('is found by its probes, and everything arrives', async () => {
    expect(await deafen(true)).toBe('exact');
  });

  test('is never found without them, and the simulation says so', async () => {
    expect(await deafen(false)).toMatch(/^not settled after 30000 ms: \d+ \(4 bytes\) never came$/);
  });
});

function outcome(run: () => Simulation): string {
  try {
    return run().verdict;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The second end goes deaf while the first one speaks. @param isProbed as `RedisSubscriber` does, every 2 s */
async function deafen(isProbed: boolean): Promise<string> {
  const simulation = new Simulation(1, CALM);
  const { first, second } = simulation;
  const probes = new Probes(
    (_, onAnswer) => {
      simulation.after(1, () => {
        if (!second.isDeaf) probes.onHeard('all', simulation.nowMs);
      });
      queueMicrotask(() => onAnswer(1));
    },
    () => (second.isDeaf = false),
  );
  probes.add('all', 0);
  for (let ms = 0; ms < 1000; ms += 1) {
    if (ms === 500) second.isDeaf = true;
    if (ms % 20 === 0) first.say(frame(ms));
    simulation.step();
  }
  for (let ms = 1000; ms < 30_000; ms += 1) {
    if (simulation.isSettled && !second.isDeaf) return simulation.verdict;
    if (isProbed && ms % 2000 === 0) probes.tick();
    simulation.step();
    await Promise.resolve();
  }
  return outcome(() => {
    simulation.settle(30_000);
    return simulation;
  });
}

function withoutNumbers(): NonNullable<Mutation['hear']> {
  const taken = new Map<End, number>();
  return (to, header, envelope) => {
    const before = taken.get(to) ?? 0;
    const lastItem = before + itemsIn(envelope);
    taken.set(to, lastItem);
    return { ...header, firstItem: before + 1, lastItem };
  };
}

function withoutMark(_to: End, header: EnvelopeHeader, envelope: Uint8Array): EnvelopeHeader | undefined {
  const lastItem = header.firstItem + itemsIn(envelope) - 1;
  return header.wantsAnswer ? undefined : { ...header, lastItem };
}

function forget(simulation: Simulation, from: End, envelope: Uint8Array): void {
  const header = decodeHeader(envelope);
  if (!header || envelope.length === HEADER_BYTES) return;
  const acknowledged = header.firstItem + itemsIn(envelope) - 1;
  const ends = { stream: from.other.link.stream, peerStream: from.link.stream };
  const says = { ...header, ...ends, acknowledged, firstItem: 1, lastItem: 0, asksAgain: false };
  simulation.after(0, () => from.link.receive(says, emptyEnvelope()));
}

function itemsIn(envelope: Uint8Array): number {
  let count = 0;
  for (let start = FIRST_ITEM_AT; start < envelope.length; start = endOfItem(envelope, start)) count += 1;
  return count;
}
