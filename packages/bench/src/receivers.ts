/** Checks what arrives: at a host, every byte of a `from`; at a player, every byte of the payload. */
import { encodeCbor, encodeHead, MAJOR } from './cbor.ts';
import type { Meter } from './meter.ts';
import { createPayload, readSequence, readStream, STAMP_BYTES } from './payload.ts';
import type { Player, Room } from './room.ts';
import { Stream } from './tally.ts';

/** @returns one stream for each player, in the room's order. `onPayload` gets the player's place and the number. */
export function receiveAtHost(
  room: Room,
  meter: Meter,
  payloadBytes: number,
  onPayload: (place: number, sequence: number) => void,
): Stream[] {
  const streams = room.players.map(() => new Stream(meter.integrity));
  const places = new Map(room.players.map(({ id }, place) => [id, place]));
  const items = encodeCbor([...createPayload(0, payloadBytes)]);
  const digits = encodeHead(MAJOR.array, payloadBytes).length;
  const filler = items.subarray(digits + 2 * STAMP_BYTES);
  room.hooks.onFrom = (from, bytes) => {
    const fillerAt = from.at + 2 * STAMP_BYTES;
    const end = Math.min(bytes.length, fillerAt + filler.length);
    const place = places.get(from.player);
    const stream = streams[place ?? -1];
    const isRight = from.length === payloadBytes && readStream(bytes, from.at + 1, 2) === place;
    if (
      !stream ||
      place === undefined ||
      !isRight ||
      bytes.compare(filler, 0, filler.length, fillerAt, end) !== 0
    ) {
      meter.integrity.damaged += 1;
      return;
    }
    const sequence = readSequence(bytes, from.at + 1, 2);
    stream.received(sequence);
    onPayload(place, sequence);
  };
  return streams;
}

export function receiveAtPlayer(
  player: Player,
  meter: Meter,
  expected: { readonly stream: number; readonly payloadBytes: number },
  onPayload: (sequence: number) => void,
): Stream {
  const stream = new Stream(meter.integrity);
  const filler = Buffer.from(createPayload(0, expected.payloadBytes).subarray(STAMP_BYTES));
  player.socket.onFrame = (_opcode, bytes, start, end) => {
    const isRight = end - start === expected.payloadBytes && readStream(bytes, start, 1) === expected.stream;
    if (!isRight || bytes.compare(filler, 0, filler.length, start + STAMP_BYTES, end) !== 0) {
      meter.integrity.damaged += 1;
      return;
    }
    const sequence = readSequence(bytes, start, 1);
    stream.received(sequence);
    onPayload(sequence);
  };
  return stream;
}
