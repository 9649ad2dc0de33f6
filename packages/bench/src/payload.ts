/**
 * Payloads that say who sent them and in which place.
 *
 * | offset | size | field |
 * | --- | --- | --- |
 * | 0 | 3 | stream, three digits base 64 |
 * | 3 | 5 | sequence number, five digits base 64 |
 * | 8 | n | filler, the same in every payload |
 *
 * A digit is a byte from 48 to 111, so that it takes two bytes in a CBOR array whatever its value, and a frame that is
 * built once can be stamped again and again: `stride` is the distance of two digits, 1 in bytes and 2 in a CBOR array.
 */

export const STAMP_BYTES = 8;

const STREAM_DIGITS = 3;
const FIRST_DIGIT = 48;

/** @param length at least `STAMP_BYTES` */
export function createPayload(stream: number, length: number): Uint8Array {
  const payload = new Uint8Array(length);
  for (let i = STAMP_BYTES; i < length; i++) payload[i] = (i * 151 + 29) & 0xff;
  for (let i = 0; i < STREAM_DIGITS; i++) payload[i] = FIRST_DIGIT + ((stream >> (6 * i)) & 63);
  writeSequence(payload, 0, 1, 0);
  return payload;
}

/** @param at where the payload's first digit is */
export function writeSequence(bytes: Uint8Array, at: number, stride: number, sequence: number): void {
  let rest = sequence;
  for (let i = STREAM_DIGITS; i < STAMP_BYTES; i++) {
    bytes[at + i * stride] = FIRST_DIGIT + (rest & 63);
    rest >>= 6;
  }
}

export function readSequence(bytes: Uint8Array, at: number, stride: number): number {
  return readDigits(bytes, at, stride, STREAM_DIGITS, STAMP_BYTES);
}

export function readStream(bytes: Uint8Array, at: number, stride: number): number {
  return readDigits(bytes, at, stride, 0, STREAM_DIGITS);
}

function readDigits(bytes: Uint8Array, at: number, stride: number, first: number, end: number): number {
  let number = 0;
  for (let i = end - 1; i >= first; i--)
    number = (number << 6) | ((bytes[at + i * stride] ?? 0) - FIRST_DIGIT);
  return number;
}
