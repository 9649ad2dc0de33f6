/** What is UTF-8, with TextDecoder as the judge. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasLoneSurrogate, isUtf8 } from './text.ts';

const BOUNDARIES = ['c2', 'e0', 'ed', 'ee', 'f0', 'f4', 'f5', '80', '8f', '90', '9f', 'a0', 'bf', '41'];
const CHARACTERS = ['c3a9', 'e282ac', 'f09f9880', 'efbbbf', '41'.repeat(300)];

describe('UTF-8', () => {
  const piece = fc.oneof(fc.constantFrom(...BOUNDARIES), fc.constantFrom(...CHARACTERS));
  const bytes = fc.array(piece, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''), 'hex'));

  test('is what TextDecoder takes', () => {
    fc.assert(
      fc.property(bytes, (text) => {
        expect(isUtf8(text)).toBe(isDecoded(text));
      }),
      { numRuns: 3000 },
    );
  });

  test('is told for any one, two or three bytes', () => {
    const wrong: number[] = [];
    for (let number = 0; number < 2 ** 24; number += 251) {
      const text = Uint8Array.of(number >>> 16, number >>> 8, number);
      if (isUtf8(text) !== isDecoded(text)) wrong.push(number);
    }
    expect(wrong).toEqual([]);
  });

  test('is looked for in the view alone', () => {
    const text = Buffer.from(`ff${'41'.repeat(300)}c3a9ff`, 'hex');
    expect(isUtf8(text.subarray(1, 303))).toBe(true);
    expect(isUtf8(text.subarray(1, 302))).toBe(false);
    expect(isUtf8(text.subarray(1))).toBe(false);
    expect(isUtf8(text.subarray(0, 303))).toBe(false);
  });
});

test('a lone surrogate is told from a pair', () => {
  expect(['a', '\ud83d\ude00', '\ud83d', 'a\ude00', '\ude00\ud83d'].map(hasLoneSurrogate)).toEqual([
    false,
    false,
    true,
    true,
    true,
  ]);
});

function isDecoded(text: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(text);
    return true;
  } catch {
    return false;
  }
}
