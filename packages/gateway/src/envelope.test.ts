/** Envelopes are read as they were written, and as their table says. */
import { describe, expect, test } from '@jest/globals';
import { CLOSE, playerId, type CloseName } from '@wmbp/protocol';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { decodeHeader, writeHeader, type EnvelopeHeader } from './envelope-header.ts';
import { EnvelopeWriter, FULL_BYTES, type Item } from './envelope.ts';
import { endOfItem, FIRST_ITEM_AT, ItemReader } from './item-reader.ts';
import { type Epoch, type NodeId } from './names.ts';

const u32 = fc.nat({ max: 0xffff_ffff });
const id = u32.map(playerId);
const bytes = fc.uint8Array({ maxLength: 1000 });
const why = fc.constantFrom(...(Object.keys(CLOSE) as CloseName[]));
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constantFrom('joined' as const, 'known' as const, 'left' as const), player: id }),
  fc.record({
    kind: fc.constantFrom('toHost' as const, 'toPlayer' as const),
    player: id,
    bytes,
    isBinary: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('toPlayers' as const),
    to: fc.oneof(fc.constant('all' as const), fc.array(id, { minLength: 1, maxLength: 50 })),
    bytes,
    isBinary: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('closePlayer' as const), player: id, why }),
  fc.record({ kind: fc.constant('closeRoom' as const), why }),
);
const header: fc.Arbitrary<EnvelopeHeader> = fc.record({
  epoch: fc.nat({ max: 2 ** 48 - 1 }).map((epoch) => epoch as Epoch),
  source: u32.map((node) => node as NodeId),
  stream: u32,
  peerStream: u32,
  firstItem: u32,
  lastItem: u32,
  acknowledged: u32,
  asksAgain: fc.boolean(),
  wantsAnswer: fc.boolean(),
  isGone: fc.boolean(),
});
const HEADER: EnvelopeHeader = {
  epoch: 1 as Epoch,
  source: 2 as NodeId,
  stream: 3,
  peerStream: 4,
  firstItem: 5,
  lastItem: 6,
  acknowledged: 7,
  asksAgain: false,
  wantsAnswer: false,
  isGone: false,
};

function envelopeOf(
  head: EnvelopeHeader,
  items: readonly Item[],
  writer = new EnvelopeWriter(() => undefined),
): Uint8Array {
  for (const each of items) writer.append(each);
  const envelope = writer.finish();
  writeHeader(envelope, head);
  return envelope;
}

/** `undefined` stands for one that is not complete, or of a kind not known here. */
function itemsOf(envelope: Uint8Array, reader = new ItemReader()): (Item | undefined)[] {
  const items: (Item | undefined)[] = [];
  for (let start = FIRST_ITEM_AT; start < envelope.length;) {
    const end = endOfItem(envelope, start);
    items.push(reader.read(envelope, start, end));
    start = end;
  }
  return items;
}

/** One item as it lies in an envelope. */
function rawItem(kind: number, body: readonly number[]): Uint8Array {
  const raw = Buffer.alloc(5);
  raw.writeUInt8(kind);
  raw.writeUInt32BE(body.length, 1);
  return Buffer.concat([raw, Uint8Array.from(body)]);
}

describe('an envelope', () => {
  test('is read as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(header, fc.array(item, { maxLength: 20 }), (head, items) => {
        const envelope = envelopeOf(head, items);
        expect(decodeHeader(envelope)).toEqual(head);
        expect(itemsOf(envelope)).toEqual(items);
      }),
    );
  });

  test('is read the same when it lies within other memory', () => {
    fc.assert(
      fc.property(header, fc.array(item, { maxLength: 5 }), fc.nat({ max: 9 }), (head, items, offset) => {
        const envelope = envelopeOf(head, items);
        const memory = new Uint8Array(offset + envelope.length + 7).fill(0xee);
        memory.set(envelope, offset);
        const view = memory.subarray(offset, offset + envelope.length);
        expect(decodeHeader(view)).toEqual(head);
        expect(itemsOf(view)).toEqual(items);
      }),
    );
  });

  test('holds its numbers big-endian, at the places that the table says', () => {
    const head = {
      epoch: 0x0102_0304_0506 as Epoch,
      source: 0x0708_090a as NodeId,
      stream: 0x0b0c_0d0e,
      peerStream: 0x0f10_1112,
      firstItem: 15,
      lastItem: 16,
      acknowledged: 17,
      asksAgain: true,
      wantsAnswer: true,
      isGone: false,
    };
    const envelope = envelopeOf(head, [
      { kind: 'joined', player: playerId(258) },
      { kind: 'toPlayers', to: [playerId(1), playerId(2)], bytes: Uint8Array.of(0xaa), isBinary: true },
      { kind: 'closeRoom', why: 'roomOver' },
    ]);
    expect(Buffer.from(envelope).toString('hex')).toBe(
      [
        '01 05 010203040506 0708090a 0b0c0d0e 0f101112 0000000f 00000010 00000011 00000000',
        '01 00000004 00000102',
      ]
        .concat(
          '05 0000000d 00000002 00000001 00000002 aa',
          '08 00000008',
          Buffer.from('roomOver').toString('hex'),
        )
        .join('')
        .replaceAll(' ', ''),
    );
  });

  test('is no longer its writer’s: what is appended later does not change it', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1 }), fc.array(item, { minLength: 1 }), (once, again) => {
        const writer = new EnvelopeWriter(() => undefined);
        const first = envelopeOf(HEADER, once, writer);
        const second = envelopeOf(HEADER, again, writer);
        expect(itemsOf(first)).toEqual(once);
        expect(itemsOf(second)).toEqual(again);
      }),
    );
  });

  test('copies payloads when they are appended', () => {
    const writer = new EnvelopeWriter(() => undefined);
    const payload = Uint8Array.of(1, 2, 3);
    writer.append({ kind: 'toHost', player: playerId(1), bytes: payload, isBinary: false });
    payload.fill(9);
    const [read] = itemsOf(writer.finish());
    expect(read).toMatchObject({ bytes: Uint8Array.of(1, 2, 3) });
  });

  test('cuts what is too large for one envelope, and the pieces make the same items', () => {
    const envelopes: Uint8Array[] = [];
    const writer: EnvelopeWriter = new EnvelopeWriter(() => envelopes.push(writer.finish()));
    const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 251);
    const items: Item[] = [
      { kind: 'joined', player: playerId(1) },
      { kind: 'toHost', player: playerId(1), bytes, isBinary: true },
      { kind: 'toPlayers', to: [playerId(2), playerId(3)], bytes: bytes.subarray(1), isBinary: false },
      { kind: 'left', player: playerId(1) },
    ];
    for (const item of items) writer.append(item);
    envelopes.push(writer.finish());
    expect(envelopes.length).toBeGreaterThan(20);
    expect(Math.max(...envelopes.map(({ length }) => length))).toBeLessThan(2 * FULL_BYTES + 100);
    const reader = new ItemReader();
    const read = envelopes.flatMap((envelope) => itemsOf(envelope, reader));
    const whole = read.filter((item) => item !== undefined);
    expect(whole.map(digest)).toEqual(items.map(digest));
  });

  test('counts its items from none after each envelope', () => {
    const writer = new EnvelopeWriter(() => undefined);
    writer.append({ kind: 'joined', player: playerId(1) });
    writer.append({ kind: 'left', player: playerId(1) });
    expect(writer.items).toBe(2);
    expect(itemsOf(writer.finish())).toHaveLength(2);
    expect(writer.items).toBe(0);
    expect(writer.finish()).toHaveLength(36);
  });
});

describe('a reader', () => {
  test('takes a kind that it does not know for an item that it skips', () => {
    const known: Item = { kind: 'left', player: playerId(7) };
    const parts = [
      envelopeOf(HEADER, [known]),
      rawItem(99, [1, 2, 3]),
      rawItem(0, []),
      envelopeOf(HEADER, [known]).subarray(36),
    ];
    expect(itemsOf(Buffer.concat(parts))).toEqual([known, undefined, undefined, known]);
  });

  test('ignores envelopes of another version, and what is too short to be one', () => {
    const envelope = envelopeOf(HEADER, []);
    for (const version of [0, 2, 255]) {
      const other = envelope.slice();
      other[0] = version;
      expect(decodeHeader(other)).toBeUndefined();
    }
    for (let length = 0; length < 36; length += 1)
      expect(decodeHeader(envelope.subarray(0, length))).toBeUndefined();
  });

  test('takes a reason that it has no name for as an internal error', () => {
    const name = [...Buffer.from('banned')];
    const parts = [envelopeOf(HEADER, []), rawItem(7, [0, 0, 0, 5, ...name]), rawItem(8, name)];
    expect(itemsOf(Buffer.concat(parts))).toEqual([
      { kind: 'closePlayer', player: 5, why: 'internalError' },
      { kind: 'closeRoom', why: 'internalError' },
    ]);
  });
});

/** An item with a hash in the place of its payload: comparing megabytes by element takes Jest seconds. */
function digest(item: Item): unknown {
  return 'bytes' in item ? { ...item, bytes: createHash('sha1').update(item.bytes).digest('hex') } : item;
}
