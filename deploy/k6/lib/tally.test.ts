import { expect, test } from '@jest/globals';
import { Tally } from './tally.ts';

function tallyOf(sequences: readonly number[], startsAt: 'first frame' | 'anywhere' = 'first frame'): Tally {
  const tally = new Tally(startsAt);
  for (const sequence of sequences) tally.note(sequence);
  return tally;
}

function sums(tally: Tally, sent: number): object {
  const { received, doubled, outOfOrder, missing } = tally;
  return { received, doubled, outOfOrder, missing, behind: tally.behind(sent) };
}

const WHOLE = { received: 4, doubled: 0, outOfOrder: 0, missing: 0, behind: 0 };

test('a stream that came as it was sent has nothing to tell', () => {
  expect(sums(tallyOf([0, 1, 2, 3]), 4)).toEqual(WHOLE);
});

test('a hole is missing, also at the start; what is behind the last is told apart', () => {
  expect(sums(tallyOf([1, 2, 5]), 8)).toEqual({ ...WHOLE, received: 3, missing: 3, behind: 2 });
});

test('a stream of which nothing came is behind as a whole', () => {
  expect(sums(tallyOf([]), 3)).toEqual({ ...WHOLE, received: 0, behind: 3 });
});

test('a frame that comes twice is doubled, whether early or late', () => {
  expect(sums(tallyOf([0, 0, 1, 0]), 2)).toEqual({ ...WHOLE, doubled: 2 });
});

test('a frame that comes after a later one is out of order and not missing', () => {
  expect(sums(tallyOf([0, 2, 1, 3]), 4)).toEqual({ ...WHOLE, outOfOrder: 1 });
});

test('a receiver that comes in anywhere misses nothing before its first frame', () => {
  expect(sums(tallyOf([7, 8], 'anywhere'), 9)).toEqual({ ...WHOLE, received: 2 });
  expect(sums(tallyOf([], 'anywhere'), 9)).toEqual({ ...WHOLE, received: 0 });
});

test('a receiver that comes in misses what it had to get, whether it got its first frame before or after', () => {
  const before = new Tally('anywhere');
  before.mustHaveFrom(5);
  before.note(7);
  expect(sums(before, 8)).toEqual({ ...WHOLE, received: 1, missing: 2 });
  const after = tallyOf([7], 'anywhere');
  after.mustHaveFrom(5);
  expect(sums(after, 8)).toEqual({ ...WHOLE, received: 1, missing: 2 });
  const silent = new Tally('anywhere');
  silent.mustHaveFrom(5);
  expect(sums(silent, 8)).toEqual({ ...WHOLE, received: 0, behind: 3 });
});

test('a receiver may get frames before those it must get, whether it is told before or after', () => {
  const after = tallyOf([3, 4], 'anywhere');
  after.mustHaveFrom(5);
  after.note(5);
  expect(sums(after, 6)).toEqual({ ...WHOLE, received: 3 });
  const before = new Tally('anywhere');
  before.mustHaveFrom(5);
  for (const sequence of [4, 5]) before.note(sequence);
  expect(sums(before, 6)).toEqual({ ...WHOLE, received: 2 });
});
