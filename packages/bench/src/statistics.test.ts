import { expect, test } from '@jest/globals';
import { quantile, spread } from './statistics.ts';

test('a quantile between two numbers lies on the line between them', () => {
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([0, 100], 0.99)).toBe(99);
});

test('the ends are the least and the greatest number', () => {
  expect(quantile([3, 5, 9], 0)).toBe(3);
  expect(quantile([3, 5, 9], 1)).toBe(9);
});

test('a spread does not depend on the order and leaves its input alone', () => {
  const numbers = [9, 10, 1];
  expect(spread(numbers)).toEqual({ median: 9, least: 1, greatest: 10 });
  expect(numbers).toEqual([9, 10, 1]);
});

test('the spread of nothing is not a number', () => {
  expect(spread([])).toEqual({ median: NaN, least: NaN, greatest: NaN });
});
