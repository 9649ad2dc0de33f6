import { expect, test } from '@jest/globals';
import { encodeFrame, FrameReader, OPCODE } from './frames.ts';

const PAYLOADS = [0, 1, 125, 126, 300, 65_535, 65_536].map((length) => Buffer.alloc(length, length & 0xff));

interface Seen {
  readonly opcode: number;
  readonly payload: Buffer;
}

function collect(chunks: readonly Buffer[]): Seen[] {
  const seen: Seen[] = [];
  const reader = new FrameReader((opcode, bytes, start, end) => {
    seen.push({ opcode, payload: Buffer.from(bytes.subarray(start, end)) });
  });
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

/** As a server sends it: the mask bit and the key are taken out. */
function fromServer(opcode: number, payload: Buffer): Buffer {
  const frame = encodeFrame(opcode, payload);
  const head = frame.subarray(0, frame.length - payload.length - 4);
  head[1] = (head[1] ?? 0) & 0x7f;
  return Buffer.concat([head, payload]);
}

test('finds the same frames wherever the stream is split in two', () => {
  const small = PAYLOADS.slice(0, 5);
  const stream = Buffer.concat(small.map((payload) => fromServer(OPCODE.binary, payload)));
  for (let at = 0; at <= stream.length; at++) {
    const seen = collect([stream.subarray(0, at), stream.subarray(at)]);
    expect(seen.map(({ payload }) => payload.length)).toEqual(small.map((payload) => payload.length));
    expect(Buffer.concat(seen.map(({ payload }) => payload))).toEqual(Buffer.concat(small));
  }
});

test('finds the same frames when every byte comes alone', () => {
  const stream = Buffer.concat(PAYLOADS.slice(0, 5).map((payload) => fromServer(OPCODE.text, payload)));
  const seen = collect(Array.from(stream, (byte) => Buffer.of(byte)));
  expect(seen).toEqual(PAYLOADS.slice(0, 5).map((payload) => ({ opcode: OPCODE.text, payload })));
});

test.each(PAYLOADS)(
  'reads the length of a payload as it is written, in each of its three forms',
  (payload) => {
    const [seen] = collect([fromServer(OPCODE.binary, payload)]);
    expect(seen?.payload.equals(payload)).toBe(true);
  },
);

test('masks every frame it writes, with key zero', () => {
  expect(encodeFrame(OPCODE.text, Buffer.from('hi')).toString('hex')).toBe('8182000000006869');
});

test('refuses a fragmented message', () => {
  expect(() => collect([Buffer.of(0x02, 0x01, 0x00)])).toThrow('fragmented');
});
