import { expect, test } from '@jest/globals';
import { createIntegrity, isWhole, Stream, type Integrity } from './tally.ts';

const WHOLE = createIntegrity();

function tally(received: readonly number[], lastSent: number): Integrity {
  const integrity = createIntegrity();
  const stream = new Stream(integrity);
  for (const sequence of received) stream.received(sequence);
  stream.ended(lastSent);
  return integrity;
}

test('a stream in order is whole', () => {
  expect(tally([1, 2, 3], 3)).toEqual(WHOLE);
  expect(isWhole(tally([], 0))).toBe(true);
});

test('what never arrives is lost, in the middle and at the end', () => {
  expect(tally([1, 4], 6)).toEqual({ ...WHOLE, lost: 4 });
});

test('what arrives late is reordered and not lost', () => {
  expect(tally([1, 3, 2], 3)).toEqual({ ...WHOLE, reordered: 1 });
});

test('what arrives again is doubled, even if it came late', () => {
  expect(tally([1, 3, 2, 2, 3], 3)).toEqual({ ...WHOLE, reordered: 1, doubled: 2 });
});
