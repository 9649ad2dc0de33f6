import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { UnknownCodes } from './unknown-codes.ts';

const BURST = 60;
let codes: UnknownCodes;
beforeEach(() => {
  jest.useFakeTimers();
  codes = new UnknownCodes();
});
afterEach(() => {
  codes.close();
  jest.useRealTimers();
});

/** What an address is told, in order, as it comes. */
function ask(address: string, times: number): boolean[] {
  const answers: boolean[] = [];
  for (let i = 0; i < times; i += 1) codes.answer(address, (isTooMany) => answers.push(isTooMany));
  return answers;
}

test('sixty are answered at once; what is beyond waits two seconds and is too many', () => {
  const answers = ask('1.2.3.4', BURST + 2);
  expect(answers).toEqual(Array.from({ length: BURST }, () => false));
  jest.advanceTimersByTime(1999);
  expect(answers).toHaveLength(BURST);
  jest.advanceTimersByTime(1);
  expect(answers.slice(BURST)).toEqual([true, true]);
});

test('one a second comes back, up to sixty', () => {
  ask('1.2.3.4', BURST);
  jest.advanceTimersByTime(3000);
  expect(ask('1.2.3.4', 5)).toEqual([false, false, false]);
  jest.advanceTimersByTime(3_600_000);
  expect(ask('1.2.3.4', BURST + 1)).toHaveLength(BURST);
});

test('each address has its own; the addresses of one IPv6 network share one', () => {
  ask('1.2.3.4', BURST + 1);
  expect(ask('1.2.3.5', 1)).toEqual([false]);
  ask('2001:0db8:0000:0001:0000:0000:0000:0001', BURST + 1);
  expect(ask('2001:0db8:0000:0001:ffff:ffff:ffff:ffff', 1)).toEqual([]);
  expect(ask('2001:0db8:0000:0002:0000:0000:0000:0001', 1)).toEqual([false]);
});

test('an IPv4 address is the same written as an IPv6 one only to itself: two of those do not share', () => {
  ask('0000:0000:0000:0000:0000:ffff:0102:0304', BURST + 1);
  expect(ask('0000:0000:0000:0000:0000:ffff:0102:0305', 1)).toEqual([false]);
});

test('five thousand wait at most; beyond that the answer is the same, at once', () => {
  const answers = ask('1.2.3.4', BURST + 5000);
  expect(answers).toHaveLength(BURST);
  expect(ask('1.2.3.4', 3)).toEqual([true, true, true]);
  jest.advanceTimersByTime(2000);
  expect(answers).toHaveLength(BURST + 5000);
});

test('who waits when all is closed hears nothing any more', () => {
  const answers = ask('1.2.3.4', BURST + 1);
  codes.close();
  jest.advanceTimersByTime(10_000);
  expect(answers).toHaveLength(BURST);
});
