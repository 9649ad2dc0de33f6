import { expect, test } from '@jest/globals';
import { decodeCommand, FromEncoder } from './bare-wire.ts';
import { encodeCbor } from './cbor.ts';
import { createPayload, readSequence, readStream, writeSequence } from './payload.ts';
import { decodeEvent, encodeTo, readFrom } from './wire.ts';

test('the bare relay writes the golden bytes of `from` and `from_str`', () => {
  const from = new FromEncoder(2).binary(Uint8Array.of(1, 2, 255));
  expect(Buffer.from(from).toString('hex')).toBe('a363636d646466726f6d6466726f6d0264646174618301' + '0218ff');
  const text = new FromEncoder(5).text(Buffer.from('hé'));
  expect(Buffer.from(text).toString('hex')).toBe(
    'a363636d646866726f6d5f7374726466726f6d05646461746163' + '68c3a9',
  );
});

test.each([1, 200, 70_000])('what the bare relay writes for player %i is read back', (player) => {
  const payload = createPayload(7, 300);
  writeSequence(payload, 0, 1, 123_456);
  const event = Buffer.from(new FromEncoder(player).binary(payload));
  const from = { player: 0, at: 0, length: 0 };
  expect(readFrom(event, 0, event.length, from)).toBe(true);
  expect({ player: from.player, length: from.length }).toEqual({ player, length: 300 });
  expect(readStream(event, from.at + 1, 2)).toBe(7);
  expect(readSequence(event, from.at + 1, 2)).toBe(123_456);
});

test('a `to` can be stamped where it says, and the bare relay reads what was stamped', () => {
  const { bytes, dataAt } = encodeTo([3, 400], createPayload(9, 32));
  writeSequence(bytes, dataAt + 1, 2, 77);
  const { cmd, to, data } = decodeCommand(bytes);
  expect({ cmd, to, length: data.length }).toEqual({ cmd: 'to', to: [3, 400], length: 32 });
  expect([readStream(data, 0, 1), readSequence(data, 0, 1)]).toEqual([9, 77]);
});

test('the fields of a command come in any order', () => {
  const bytes = encodeCbor({ to: [1], cmd: 'to_str', data: 'hi' });
  const { cmd, to, data } = decodeCommand(bytes);
  expect({ cmd, to, text: Buffer.from(data).toString() }).toEqual({ cmd: 'to_str', to: [1], text: 'hi' });
});

test('an event that is not a `from` is decoded and not taken for one', () => {
  const state = { cmd: 'state', name: 't', players: [5, 2, 300], max_players: 8, accept_conns: true };
  const bytes = encodeCbor(state);
  expect(readFrom(bytes, 0, bytes.length, { player: 0, at: 0, length: 0 })).toBe(false);
  expect(decodeEvent(bytes, 0)).toEqual(state);
});
