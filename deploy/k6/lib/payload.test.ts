import { expect, test } from '@jest/globals';
import { decodeEvent } from './cbor.ts';
import { bytesOf, Payload, payloadOf, STAMP_BYTES, textOf } from './payload.ts';

const STAMP = { room: 46_655, stream: 1_679_615, sequence: 2_176_782_335, sentMs: 86_400_000.123 };
const SMALL = { room: 0, stream: 0, sequence: 0, sentMs: 0 };

/** The frame that the server makes of a player's binary frame. */
function fromEvent(bytes: Uint8Array): Uint8Array {
  const integers = [...bytes].flatMap((byte) => [0x18, byte]);
  const count = [0x9a, 0, bytes.length >> 16, (bytes.length >> 8) & 0xff, bytes.length & 0xff];
  const head = Buffer.from('a363636d646466726f6d6466726f6d016464617461', 'hex');
  return Uint8Array.from([...head, ...count, ...integers]);
}

function inEveryForm(text: string): Payload[] {
  const { data } = decodeEvent(fromEvent(bytesOf(text)));
  if (!data) throw new Error('no data');
  return [Payload.ofText(text), Payload.ofBytes(bytesOf(text)), Payload.ofEvent(data)];
}

test.each([STAMP_BYTES, 22, 64, 10_000, 300_000])(
  'a payload of %d bytes is whole and has its stamp, as text, as bytes and as integers',
  (length) => {
    for (const stamp of [STAMP, SMALL]) {
      for (const payload of inEveryForm(payloadOf(stamp, length))) {
        expect(payload.stamp()).toEqual(stamp);
        expect(payload.isWhole(length)).toBe(true);
        expect(payload.isWhole(length + 1)).toBe(false);
      }
    }
  },
);

test('text and bytes of a payload are the same', () => {
  const text = payloadOf(STAMP, 20_000, textOf(SMALL));
  expect(Buffer.from(bytesOf(text)).toString()).toBe(text);
});

test('an answer quotes the stamp that it answers', () => {
  for (const payload of inEveryForm(payloadOf(STAMP, 64, textOf(SMALL)))) {
    expect([payload.stamp(0), payload.stamp(1)]).toEqual([STAMP, SMALL]);
    expect(payload.isWhole(64, 2)).toBe(true);
  }
});

test('bytes that are shifted, cut or changed at the end are not whole', () => {
  const text = payloadOf(STAMP, 1000);
  const head = text.slice(0, STAMP_BYTES);
  const rest = text.slice(STAMP_BYTES);
  for (const broken of [
    head + rest.slice(1) + rest.slice(0, 1),
    head + rest.slice(4) + rest.slice(0, 4),
    text.slice(0, -1),
    `${text.slice(0, -1)}~`,
  ]) {
    expect(Payload.ofText(broken).isWhole(1000)).toBe(false);
  }
});

test('what has no stamp of ours has none', () => {
  for (const text of ['', 'x', ' '.repeat(64), 'A'.repeat(21)]) {
    expect(Payload.ofText(text).stamp()).toBeUndefined();
  }
  const short = { kind: 'integers', frame: Uint8Array.of(1, 2, 3), start: 0, end: 3, count: 3 } as const;
  expect(Payload.ofEvent(short).isWhole(3)).toBe(false);
});
