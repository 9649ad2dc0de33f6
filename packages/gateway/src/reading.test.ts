import { expect, test } from '@jest/globals';
import { Reading, type LoopTurn } from './reading.ts';

const KIB = 1024;

class FakeTurn implements LoopTurn {
  number = 0;
  hasBegun = false;

  begin(): void {
    this.hasBegun = true;
  }
}

/** Reads frames of 1 KiB, one a millisecond; how many until it is too much. */
function framesUntilTooMuch(reading: Reading, turn: LoopTurn, most: number): number {
  let nowMs = 0;
  for (let frame = 1; frame <= most; frame += 1) {
    nowMs += 1;
    if (reading.isTooMuch(turn, KIB, false, () => nowMs)) return frame;
  }
  return Infinity;
}

test('who is read from again and again in one turn, for a quarter of a second, has had too much', () => {
  const frames = framesUntilTooMuch(new Reading(), new FakeTurn(), 5000);
  expect(frames).toBeGreaterThan(512 + 240);
  expect(frames).toBeLessThan(512 + 250 + 100);
});

test('however much is read is no matter while the loop turns', () => {
  const reading = new Reading();
  const turn = new FakeTurn();
  for (; turn.number < 20; turn.number += 1) expect(framesUntilTooMuch(reading, turn, 600)).toBe(Infinity);
});

test('the end of the turn is asked for, since a turn that nothing is sent in has none', () => {
  const turn = new FakeTurn();
  const reading = new Reading();
  reading.isTooMuch(turn, 511 * KIB, false, () => 0);
  expect(turn.hasBegun).toBe(false);
  reading.isTooMuch(turn, KIB, false, () => 0);
  expect(turn.hasBegun).toBe(true);
});

test('a few large frames may take their time', () => {
  const reading = new Reading();
  const turn = new FakeTurn();
  for (let frame = 0; frame < 7; frame += 1) {
    expect(reading.isTooMuch(turn, 8 * KIB * KIB, true, () => frame * 1000)).toBe(false);
  }
  expect(reading.isTooMuch(turn, 8 * KIB * KIB, true, () => 7000)).toBe(true);
});

test('small frames that make much work count by the clock, not by their bytes', () => {
  const reading = new Reading();
  const turn = new FakeTurn();
  let nowMs = 0;
  for (let frame = 0; frame < 10; frame += 1) reading.isTooMuch(turn, 10, true, () => (nowMs += 20));
  expect(reading.isTooMuch(turn, 10, true, () => 300)).toBe(true);
});
