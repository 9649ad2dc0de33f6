import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { decodeEvent, encodeCommand, encodeTo, encodeToStr, octetsOf, utf8Of, type Command } from './cbor.ts';

interface Vector {
  readonly name: string;
  readonly hex?: Part | readonly Part[];
  readonly canonical?: boolean;
  readonly means?: Readonly<Record<string, unknown>>;
}
type Part = string | { readonly repeat: readonly [string, number] };

function vectors(file: string): Vector[] {
  const url = new URL(`../../../packages/protocol/vectors/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Vector[];
}

function joined(parts: Vector['hex']): string {
  const list = Array.isArray(parts) ? (parts as Part[]) : [parts as Part];
  return list
    .map((part) => (typeof part === 'string' ? part : part.repeat[0].repeat(part.repeat[1])))
    .join('');
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The octets of `{ "hex": … }`, or of a text. */
function dataOf(value: unknown): Uint8Array {
  if (typeof value === 'string') return Uint8Array.from(utf8Of(value));
  return bytesOf(joined((value as { hex: Part }).hex));
}

function encode(means: Readonly<Record<string, unknown>>): Uint8Array {
  const { cmd, to, data } = means;
  if (cmd !== 'to' && cmd !== 'to_str') return encodeCommand(means as unknown as Command);
  const players = to === 'all' ? [] : (to as number[]);
  return cmd === 'to' ? encodeTo(players, dataOf(data)) : encodeToStr(players, dataOf(data));
}

const commands = vectors('commands.json').filter(
  ({ canonical, means }) => canonical && !(Array.isArray(means?.['to']) && means['to'].length === 0),
);

test('there are vectors of every command', () => {
  const seen = new Set(commands.map(({ means }) => means?.['cmd']));
  expect(seen).toEqual(new Set(['kick', 'prepare', 'start', 'stop', 'to', 'to_str']));
});

test.each(commands.map((vector) => [vector.name, vector] as const))(
  'a command is written as the vector says: %s',
  (_, { means, hex }) => {
    expect(hexOf(encode(means ?? {}))).toBe(joined(hex));
  },
);

test.each(vectors('events.json').map((vector) => [vector.name, vector] as const))(
  'an event is read as the vector says: %s',
  (_, { means, hex }) => {
    const { data, ...fields } = decodeEvent(bytesOf(joined(hex)));
    const { data: meant, ...rest } = means ?? {};
    expect(fields).toMatchObject(rest);
    expect(data === undefined).toBe(meant === undefined);
    if (data === undefined) return;
    expect(data.kind === 'text').toBe(typeof meant === 'string');
    expect(hexOf(octetsOf(data))).toBe(hexOf(dataOf(meant)));
    expect(data.count).toBe(dataOf(meant).length);
  },
);

test('an event that is cut off anywhere before its data is refused', () => {
  const event = bytesOf('a363636d646866726f6d5f7374726466726f6d0564646174616368c3a9');
  for (let length = 0; length < event.length; length += 1) {
    expect(() => decodeEvent(event.subarray(0, length))).toThrow(/ends too early|major type|no event has/);
  }
});
