/** What holds for every frame, with cbor-x as the judge. */
import { describe, expect, test } from '@jest/globals';
import { Encoder } from 'cbor-x';
import fc from 'fast-check';
import {
  decodeHostCommand,
  decodeHostEvent,
  encodeHostCommand,
  encodeHostEvent,
  playerId,
  ProtocolError,
  type HostCommand,
  type HostEvent,
} from './index.ts';

const OPTIONS = { useRecords: false, tagUint8Array: false };
const canonical = new Encoder({ ...OPTIONS, variableMapSize: true });
/** How else a host may encode: long map heads, tag 64 before byte strings, tag 55799 before the map. */
const encoders = [
  canonical,
  new Encoder({ ...OPTIONS, variableMapSize: false }),
  new Encoder({ useRecords: false, variableMapSize: true }),
  new Encoder({ ...OPTIONS, useSelfDescribedHeader: true }),
];

const u32 = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff }));
const id = u32.map((number) => playerId(number));
const octets = fc.uint8Array({ maxLength: 300 });
const string = fc.string({ unit: 'binary', maxLength: 300 });
const name = fc.string({ unit: 'binary', maxLength: 200 });
const to = fc.oneof(fc.constant('all' as const), fc.array(id, { minLength: 1, maxLength: 40 }));

const command: fc.Arbitrary<HostCommand> = fc.oneof(
  fc.record({ cmd: fc.constant('prepare' as const), max_players: u32, name }),
  fc.record({ cmd: fc.constantFrom('start' as const, 'stop' as const) }),
  fc.record({ cmd: fc.constant('kick' as const), player: id }),
  fc.record({ cmd: fc.constant('to' as const), to, data: octets }),
  fc.record({
    cmd: fc.constant('to_str' as const),
    to,
    data: string.map((text) => new TextEncoder().encode(text)),
  }),
);

const event: fc.Arbitrary<HostEvent> = fc.oneof(
  fc.record({
    cmd: fc.constant('state' as const),
    name,
    players: fc.array(id, { maxLength: 40 }),
    max_players: u32,
    accept_conns: fc.boolean(),
  }),
  fc.record({ cmd: fc.constant('prepare_reply' as const), key: name }),
  fc.record({ cmd: fc.constantFrom('player_joined' as const, 'player_left' as const), player: id }),
  fc.record({ cmd: fc.constant('from' as const), from: id, data: octets }),
  fc.record({ cmd: fc.constant('from_str' as const), from: id, data: string }),
  fc.record({ cmd: fc.constant('stop' as const) }),
  fc.record({ cmd: fc.constant('error' as const), reason: name }),
);

/** Fields nobody knows; none is named like one that means something. */
const unknownFields = fc.dictionary(
  fc.string({ maxLength: 12 }).map((key) => `_${key}`),
  fc.anything({
    maxDepth: 3,
    values: [fc.boolean(), fc.integer(), fc.double(), fc.string(), fc.constant(null)],
  }),
  { maxKeys: 4 },
);

describe('commands', () => {
  test('are read as cbor-x writes them: any setting, any order, unknown fields, bytes behind', () => {
    const frame = fc.tuple(command, unknownFields, fc.constantFrom(...encoders), fc.nat(), fc.uint8Array());
    fc.assert(
      fc.property(frame, ([meant, unknown, encoder, seed, behind]) => {
        const fields = shuffled([...Object.entries(wire(meant)), ...Object.entries(unknown)], seed);
        const bytes = Buffer.concat([encoder.encode(Object.fromEntries(fields)), behind]);
        expect(plain(decodeHostCommand(bytes, true))).toEqual(plain(meant));
      }),
    );
  });

  test('are read as JSON.stringify writes them', () => {
    fc.assert(
      fc.property(command, unknownFields, fc.nat(), fc.nat({ max: 3 }), (meant, unknown, seed, indent) => {
        const fields = shuffled([...Object.entries(wire(meant)), ...Object.entries(unknown)], seed);
        const json = JSON.stringify(Object.fromEntries(fields), bytesAsArrays, indent);
        expect(plain(decodeHostCommand(Buffer.from(json), false))).toEqual(plain(meant));
      }),
    );
  });

  test('are what encodeHostCommand was given', () => {
    const emptyToo = fc.oneof(
      command,
      fc.constant<HostCommand>({ cmd: 'to', to: [], data: new Uint8Array(1) }),
    );
    fc.assert(
      fc.property(emptyToo, (meant) => {
        expect(plain(decodeHostCommand(encodeHostCommand(meant), true))).toEqual(plain(meant));
      }),
    );
  });

  test('cut short are malformed, wherever', () => {
    fc.assert(
      fc.property(command, fc.constantFrom(...encoders), (meant, encoder) => {
        const bytes = new Uint8Array(encoder.encode(wire(meant)));
        for (let length = 0; length < bytes.length; length += 1) {
          expect(outcome(bytes.subarray(0, length), true)).toBe('malformed');
        }
      }),
      { numRuns: 30 },
    );
  });

  test('cut short are malformed in JSON too', () => {
    fc.assert(
      fc.property(command, (meant) => {
        const bytes = Buffer.from(JSON.stringify(wire(meant), bytesAsArrays));
        for (let length = 0; length < bytes.length; length += 1) {
          expect(outcome(bytes.subarray(0, length), false)).toBe('malformed');
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('any bytes', () => {
  const mutated = fc
    .tuple(
      command,
      fc.constantFrom(...encoders),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1 }),
    )
    .map(([meant, encoder, changes]) => {
      const bytes = new Uint8Array(encoder.encode(wire(meant)));
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return bytes;
    });

  test('are a command, or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), (bytes) => {
        outcome(bytes, true);
        outcome(bytes, false);
        errorCode(() => decodeHostEvent(bytes));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('events', () => {
  test('are encoded as cbor-x encodes them, data as an array of integers', () => {
    fc.assert(
      fc.property(event, (meant) => {
        expect(hexOf(encodeHostEvent(meant))).toBe(hexOf(canonical.encode(reference(meant))));
      }),
    );
  });

  test('are what encodeHostEvent was given', () => {
    fc.assert(
      fc.property(event, (meant) => {
        expect(plain(decodeHostEvent(encodeHostEvent(meant)))).toEqual(plain(meant));
      }),
    );
  });
});

/** The object that a host hands to its CBOR library. */
function wire(meant: HostCommand): Record<string, unknown> {
  if (!('to' in meant)) return { ...meant };
  const addressees = meant.to === 'all' ? [] : meant.to;
  const data =
    meant.cmd === 'to_str' ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(meant.data) : meant.data;
  return { cmd: meant.cmd, to: addressees, data };
}

function reference(meant: HostEvent): HostEvent | object {
  return meant.cmd === 'from' ? { ...meant, data: Array.from(meant.data) } : meant;
}

function bytesAsArrays(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Array.from(value) : value;
}

/** Typed arrays of other kinds and prototypes do not matter. */
function plain(message: HostCommand | HostEvent | undefined): unknown {
  if (message === undefined || !('data' in message) || typeof message.data === 'string') return message;
  return { ...message, data: hexOf(message.data) };
}

function outcome(bytes: Uint8Array, isBinary: boolean): string {
  return errorCode(() => decodeHostCommand(bytes, isBinary)) ?? 'a command';
}

/** Of the ProtocolError that `run` throws; any other error is thrown on. */
function errorCode(run: () => unknown): string | undefined {
  const error = errorOf(run);
  if (error === undefined || error instanceof ProtocolError) return error?.code;
  throw error;
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  return items
    .map((item, index) => ({ item, key: (seed * (index + 7) * 2_654_435_761) % 1_000_003 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
