/** Held frames keep their order and their bounds. */
import { expect, test } from '@jest/globals';
import { HeldFrames } from './held-frames.ts';

function replayed(held: HeldFrames): [number[], boolean][] {
  const frames: [number[], boolean][] = [];
  held.replay((bytes, isBinary) => frames.push([[...bytes], isBinary]));
  return frames;
}

test('frames are kept as they were, in order, text and binary apart', () => {
  const held = new HeldFrames(100);
  const frame = Uint8Array.of(1, 2);
  expect(held.hold(frame, true)).toBe(true);
  frame.fill(9);
  expect(held.hold(frame, false)).toBe(true);
  expect(held.hold(new Uint8Array(), true)).toBe(true);
  expect(replayed(held)).toEqual([
    [[1, 2], true],
    [[9, 9], false],
    [[], true],
  ]);
});

test('there is room for exactly so many bytes', () => {
  const held = new HeldFrames(10);
  expect(held.hold(new Uint8Array(6), true)).toBe(true);
  expect(held.hold(new Uint8Array(5), true)).toBe(false);
  expect(held.hold(new Uint8Array(4), true)).toBe(true);
  expect(held.hold(new Uint8Array(1), true)).toBe(false);
  expect(replayed(held)).toHaveLength(2);
});

test('there is room for 256 frames, however small', () => {
  const held = new HeldFrames(1_000_000);
  for (let i = 0; i < 256; i += 1) expect(held.hold(new Uint8Array(), false)).toBe(true);
  expect(held.hold(new Uint8Array(), false)).toBe(false);
  expect(replayed(held)).toHaveLength(256);
});
