import { expect, test } from '@jest/globals';
import { parseOpenFileLimit, socketsWithin } from './open-files.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96498                96498                processes
Max open files            1024                 524288               files
Max locked memory         8388608              8388608              bytes
`;

test('the soft limit is the one that holds', () => {
  expect(parseOpenFileLimit(LIMITS)).toBe(1024);
});

test('no limit, and none that is said, are no number', () => {
  expect(parseOpenFileLimit(LIMITS.replace('1024  ', 'unlimited'))).toBeUndefined();
  expect(parseOpenFileLimit('')).toBeUndefined();
  expect(socketsWithin(undefined)).toBe(Infinity);
});

test('two hundred are kept for other things, and of a small limit half', () => {
  expect(socketsWithin(20_000)).toBe(19_800);
  expect(socketsWithin(400)).toBe(200);
  expect(socketsWithin(150)).toBe(75);
  expect(socketsWithin(1)).toBe(1);
});
