import { expect, test } from '@jest/globals';
import { isBinary } from './plan.ts';

test('in both forms, every other frame is a binary one', () => {
  expect([0, 1, 2].map((sequence) => isBinary('both', sequence))).toEqual([true, false, true]);
  expect([isBinary('text', 0), isBinary('binary', 1)]).toEqual([false, true]);
});
