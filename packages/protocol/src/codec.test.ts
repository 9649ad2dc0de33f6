/** Every vector, both ways. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import {
  decodeHostCommand,
  decodeHostEvent,
  encodeHostCommand,
  encodeHostEvent,
  ProtocolError,
  type HostCommand,
  type HostEvent,
} from './index.ts';

type Parts = string | readonly (string | { readonly repeat: readonly [string, number] })[];

interface Vector {
  readonly name: string;
  readonly hex?: Parts;
  readonly text?: Parts;
  readonly frame?: 'text';
  readonly means?: Record<string, unknown>;
  readonly canonical?: boolean;
  readonly ignored?: boolean;
  readonly error?: 'malformed' | 'invalid';
}

const commands = vectors('commands');
const events = vectors('events');
const hostile = vectors('hostile');

describe('commands', () => {
  test.each(commands)('$name', (vector) => {
    expect(plain(decodeCommand(vector))).toEqual(vector.ignored ? undefined : vector.means);
  });

  test.each(commands.filter((vector) => vector.canonical))('$name is encoded as its bytes', (vector) => {
    expect(hexOf(encodeHostCommand(commandOf(vector)))).toBe(hexOf(bytesOf(vector)));
  });
});

describe('events', () => {
  test.each(events)('$name', (vector) => {
    expect(plain(decodeHostEvent(bytesOf(vector)))).toEqual(vector.means);
  });

  test.each(events.filter((vector) => vector.canonical))('$name is encoded as its bytes', (vector) => {
    expect(hexOf(encodeHostEvent(eventOf(vector)))).toBe(hexOf(bytesOf(vector)));
  });

  test('an encoded event survives the next one', () => {
    const first = encodeHostEvent({ cmd: 'error', reason: 'one' });
    const before = hexOf(first);
    encodeHostEvent({ cmd: 'error', reason: 'two' });
    expect(hexOf(first)).toBe(before);
    expect(first.buffer.byteLength).toBe(first.length);
  });

  test.each([
    ['a command', 'a163636d64657374617274'],
    ['no map', '80'],
    ['from without data', 'a263636d646466726f6d6466726f6d02'],
    [
      'accept_conns that is no boolean',
      'a563636d64657374617465646e616d656067706c6179657273806b6d61785f706c6179657273006c6163636570745f636f6e6e7300',
    ],
  ])('%s is no event', (_name, hex) => {
    expect(() => decodeHostEvent(Buffer.from(hex, 'hex'))).toThrow(ProtocolError);
  });
});

describe('hostile frames', () => {
  test.each(hostile)('$name', (vector) => {
    expect(errorOf(() => decodeCommand(vector))).toMatchObject({ name: 'ProtocolError', code: vector.error });
  });

  test('an error repeats nothing of the payload', () => {
    const secret = { cmd: 'to_str', to: [1, 'secret'], data: 'secret' };
    expect(errorOf(() => decodeHostCommand(Buffer.from(JSON.stringify(secret)), false))).toMatchObject({
      message: 'to: expected integers from 0 to 4294967295, came a string',
    });
  });
});

describe('data', () => {
  test.each([
    ['byte string', 'a363636d6462746f62746f80646461746143010203'],
    ['text', 'a363636d6466746f5f73747262746f80646461746163616263'],
  ])('a definite %s is a view of the frame', (_name, hex) => {
    const bytes = new Uint8Array(Buffer.from(`00${hex}00`, 'hex')).subarray(1);
    const command = decodeHostCommand(bytes, true);
    expect(command).toHaveProperty('data.buffer', bytes.buffer);
    expect(command).toHaveProperty('data.length', 3);
  });
});

describe('golden bytes in PROTOCOL.md', () => {
  const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
  const golden = text.slice(text.indexOf('## 12'), text.indexOf('## 13'));
  const frames = [...golden.matchAll(/`((?:a[0-9a-f]|bf) [0-9a-f ]+)`/g)].map(([, hex = '']) =>
    hex.replaceAll(' ', ''),
  );

  test.each(frames.slice(0, 6))('%s is an event, encoded as these bytes', (hex) => {
    expect(hexOf(encodeHostEvent(decodeHostEvent(Buffer.from(hex, 'hex'))))).toBe(hex);
    expect(events.map((vector) => hexOf(bytesOf(vector)))).toContain(hex);
  });

  test.each(frames.slice(6))('%s is the command', (hex) => {
    const command = decodeHostCommand(Buffer.from(hex, 'hex'), true);
    expect(plain(command)).toEqual({ cmd: 'to', to: [39, 40], data: { hex: '010203' } });
  });

  test('are ten frames', () => {
    expect(frames).toHaveLength(10);
  });
});

function decodeCommand(vector: Vector): HostCommand | undefined {
  return decodeHostCommand(bytesOf(vector), vector.text === undefined && vector.frame !== 'text');
}

function vectors(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8')) as Vector[];
}

function bytesOf({ hex, text }: Vector): Uint8Array {
  return Buffer.from(joined(hex ?? text ?? ''), hex === undefined ? 'utf8' : 'hex');
}

function joined(parts: Parts): string {
  if (typeof parts === 'string') return parts;
  return parts
    .map((part) => (typeof part === 'string' ? part : part.repeat[0].repeat(part.repeat[1])))
    .join('');
}

/** A message as vectors write it: bytes as hex, the data of `to_str` as a string. */
function plain(message: HostCommand | HostEvent | undefined): unknown {
  if (message === undefined || !('data' in message) || typeof message.data === 'string') return message;
  const bytes = Buffer.from(message.data);
  return { ...message, data: message.cmd === 'to_str' ? bytes.toString() : { hex: bytes.toString('hex') } };
}

function commandOf({ means }: Vector): HostCommand {
  const data = means?.['data'];
  if (data === undefined) return means as HostCommand;
  return { ...means, data: typeof data === 'string' ? Buffer.from(data) : octetsOf(data) } as HostCommand;
}

function eventOf({ means }: Vector): HostEvent {
  const data = means?.['data'];
  return (typeof data === 'object' ? { ...means, data: octetsOf(data) } : means) as HostEvent;
}

function octetsOf(data: unknown): Uint8Array {
  return Buffer.from((data as { hex: string }).hex, 'hex');
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
