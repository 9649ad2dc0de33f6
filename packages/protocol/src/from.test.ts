/** Players' frames as events, with cbor-x as the judge. */
import { expect, test } from '@jest/globals';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import { encodeFrom, encodeFromStr, maxFromBytes, maxFromStrBytes, playerId } from './index.ts';

const cbor = new Encoder({ useRecords: false, variableMapSize: true });
const UNTOUCHED = 0xee;

const player = fc
  .oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff }))
  .map((number) => playerId(number));
const offset = fc.nat({ max: 9 });
/** Around every change of a length's form, and anything. */
const length = fc.oneof(fc.constantFrom(0, 1, 23, 24, 255, 256, 65_535, 65_536), fc.nat({ max: 3000 }));

test('from holds each octet as an integer, at its offset and within the bound', () => {
  fc.assert(
    fc.property(length, fc.nat({ max: 255 }), player, offset, (size, step, from, start) => {
      const data = new Uint8Array(size).map((_, i) => i * step + (i >>> 8));
      const most = maxFromBytes(size);
      const target = new Uint8Array(start + most + 1).fill(UNTOUCHED);
      const end = encodeFrom(target, start, from, data);
      expect(hexOf(target.subarray(start, end))).toBe(
        hexOf(cbor.encode({ cmd: 'from', from, data: [...data] })),
      );
      expect(isUntouched(target, start, most)).toBe(true);
    }),
  );
});

test('from_str holds the text, at its offset and within the bound', () => {
  const text = fc.tuple(length, fc.constantFrom('a', 'é', '😀')).map(([size, letter]) => letter.repeat(size));
  fc.assert(
    fc.property(text, player, offset, (data, from, start) => {
      const utf8 = Buffer.from(data);
      const most = maxFromStrBytes(utf8.length);
      const target = new Uint8Array(start + most + 1).fill(UNTOUCHED);
      const end = encodeFromStr(target, start, from, utf8);
      expect(hexOf(target.subarray(start, end))).toBe(hexOf(cbor.encode({ cmd: 'from_str', from, data })));
      expect(isUntouched(target, start, most)).toBe(true);
    }),
  );
});

test('the bounds are met by the longest heads', () => {
  const data = new Uint8Array(65_536).fill(255);
  const target = new Uint8Array(maxFromBytes(data.length));
  expect(encodeFrom(target, 0, playerId(0xffff_ffff), data)).toBe(target.length);
  expect(encodeFromStr(target, 0, playerId(0xffff_ffff), data)).toBe(maxFromStrBytes(data.length));
});

function isUntouched(target: Uint8Array, start: number, most: number): boolean {
  const outside = [target.subarray(0, start), target.subarray(start + most)];
  return outside.every((part) => part.every((byte) => byte === UNTOUCHED));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
