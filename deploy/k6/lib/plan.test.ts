import { expect, test } from '@jest/globals';
import { isBinary, leastFrames, type Plan } from './plan.ts';

const PLAN: Plan = {
  players: 8,
  seconds: 10,
  hostHz: 10,
  hostBytes: 100,
  playerHz: 5,
  playerBytes: 100,
  answersAll: true,
  form: 'both',
  patienceMs: 1000,
};

test('a run must receive nine tenths of what it is told to send, but for one frame of each sender', () => {
  expect(leastFrames(PLAN, 2)).toBe(Math.floor(0.9 * 2 * 8 * (99 + 50 + 50)));
  expect(leastFrames({ ...PLAN, answersAll: false }, 2)).toBe(Math.floor(0.9 * 2 * 8 * (99 + 50 + 1)));
});

test('where hardly anybody talks, each player must still say hello and be answered', () => {
  expect(leastFrames({ ...PLAN, hostHz: 0, playerHz: 0.01 }, 1)).toBe(Math.floor(0.9 * 8 * 2));
});

test('in both forms, every other frame is a binary one', () => {
  expect([0, 1, 2].map((sequence) => isBinary('both', sequence))).toEqual([true, false, true]);
  expect([isBinary('text', 0), isBinary('binary', 1)]).toEqual([false, true]);
});
