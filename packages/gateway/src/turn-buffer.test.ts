/** The memory of a turn holds what was taken until it is given back. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TurnBuffer } from './turn-buffer.ts';

test('what is taken keeps its bytes until the reset, however much is taken after it', () => {
  const sizes = fc.array(fc.oneof(fc.nat({ max: 2000 }), fc.nat({ max: 400_000 })), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(sizes, { maxLength: 3 }), (turns) => {
      const buffer = new TurnBuffer();
      for (const turn of turns) {
        const taken = turn.map((size, i) => buffer.copy(new Uint8Array(size).fill(i + 1)));
        taken.forEach((bytes, i) => {
          expect(bytes).toHaveLength(turn[i] ?? -1);
          expect(bytes.every((byte) => byte === i + 1)).toBe(true);
        });
        buffer.reset();
      }
    }),
    { numRuns: 30 },
  );
});

test('what was reserved and not taken is given to the next', () => {
  const buffer = new TurnBuffer();
  const slab = buffer.reserve(100);
  slab.fill(1, buffer.start, buffer.start + 100);
  const taken = buffer.take(buffer.start + 10);
  const next = buffer.copy(Uint8Array.of(2));
  expect(taken).toEqual(new Uint8Array(10).fill(1));
  expect(next.byteOffset).toBe(taken.byteOffset + 10);
});

test('there is as much room as was asked for, also beyond the usual slab', () => {
  const buffer = new TurnBuffer();
  buffer.copy(new Uint8Array(1000));
  for (const bytes of [1, 200_000, 262_144, 5_000_000]) {
    const slab = buffer.reserve(bytes);
    expect(slab.length - buffer.start).toBeGreaterThanOrEqual(bytes);
  }
});

test('a large slab is not kept', () => {
  const buffer = new TurnBuffer();
  buffer.copy(new Uint8Array(5_000_000));
  buffer.reset();
  expect(buffer.reserve(1).length).toBeLessThanOrEqual(262_144);
});
