/** Room codes: what spells one, and their numbers. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRoomCode, ROOM_CODES, roomCodeOf } from './index.ts';

describe('a room code', () => {
  test.each(['ABCD', 'abcd', 'aBcD'])('%s is four letters in either case', (text) => {
    expect(parseRoomCode(text)).toBe('ABCD');
  });

  test.each(['', 'ABC', 'ABCDE', 'AB1D', 'ÀBCD', 'ABC\n', 'ABCD\n', ' ABCD', 'ßßAB', 'ABKı'])(
    '%j is none',
    (text) => {
      expect(parseRoomCode(text)).toBeUndefined();
    },
  );

  test('has a number, and no other code has it', () => {
    const codes = new Set(Array.from({ length: ROOM_CODES }, (_, number) => roomCodeOf(number)));
    expect(codes.size).toBe(26 ** 4);
    expect(roomCodeOf(ROOM_CODES - 1)).toBe('ZZZZ');
  });

  test('is read back as itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: ROOM_CODES - 1 }), (number) => {
        const code = roomCodeOf(number);
        expect(parseRoomCode(code.toLowerCase())).toBe(code);
      }),
    );
  });
});
