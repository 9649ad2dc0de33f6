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

const STATE_UP_TO_ACCEPT_CONNS =
  'a563636d64657374617465646e616d656067706c6179657273806b6d61785f706c6179657273006c6163636570745f636f6e6e73';

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
    ['accept_conns that is undefined', `${STATE_UP_TO_ACCEPT_CONNS}f7`],
    ['accept_conns that is an integer like true', `${STATE_UP_TO_ACCEPT_CONNS}15`],
    ['accept_conns that is an integer like false', `${STATE_UP_TO_ACCEPT_CONNS}14`],
  ])('%s is no event', (_name, hex) => {
    expect(() => decodeHostEvent(Buffer.from(hex, 'hex'))).toThrow(ProtocolError);
  });
});

describe('hostile frames', () => {
  test.each(hostile)('$name', (vector) => {
    expect(errorOf(() => decodeCommand(vector))).toMatchObject({ name: 'ProtocolError', code: vector.error });
  });

  test.each([
    [
      '{"cmd":"to_str","to":[1,"secret"],"data":"secret"}',
      'to: expected integers from 0 to 4294967295, came a string',
    ],
    ['{"cmd":"to_str","to":[],"data":{"secret":1}}', 'data: expected a string, came an object'],
    ['{"cmd":"to","to":[],"data":[1,null]}', 'data: expected integers from 0 to 255, came null'],
    ['{"cmd":"to","to":[],"data":[123456]}', 'data: expected integers from 0 to 255, came another number'],
    ['{"cmd":"kick"}', 'player: expected a value, came nothing'],
    ['{"cmd":"secret"}', 'cmd: expected the name of a command, came another text or nothing'],
    ['["secret"]', 'expected an object, came an array'],
  ])('%s: the error says what was expected and what came, and repeats no payload', (json, message) => {
    expect(errorOf(() => decodeHostCommand(Buffer.from(json), false))).toMatchObject({ message });
  });

  test.each([
    ['00', 'an integer'],
    ['20', 'a negative integer'],
    ['40', 'a byte string'],
    ['60', 'a text'],
    ['80', 'an array'],
    ['f4', 'a boolean'],
    ['f5', 'a boolean'],
    ['f6', 'nothing'],
    ['e0', 'a float or simple value'],
    ['f93c00', 'a float or simple value'],
  ])('%s is no command but %s', (hex, came) => {
    expect(errorOf(() => decodeHostCommand(Buffer.from(hex, 'hex'), true))).toMatchObject({
      message: `expected a map, came ${came}`,
    });
  });
});

describe('large frames', () => {
  const million = 1_000_000;

  test.each([
    [
      'CBOR',
      [
        `a363636d6462746f6464617461${'9a000f4240'}`,
        '01'.repeat(million),
        '62746f9a000f4240',
        '02'.repeat(million),
      ],
    ],
    [
      'indefinite CBOR',
      ['a363636d6462746f64646174619f', '01'.repeat(million), 'ff62746f9f', '02'.repeat(million), 'ff'],
    ],
  ])('a million ids and a million octets in %s', (_name, parts) => {
    expectMillions(decodeHostCommand(Buffer.from(parts.join(''), 'hex'), true));
  });

  test('a million ids and a million octets in JSON', () => {
    const list = (number: string): string => `[${number}${`,${number}`.repeat(million - 1)}]`;
    const json = `{"cmd":"to","data":${list('1')},"to":${list('2')}}`;
    expectMillions(decodeHostCommand(Buffer.from(json), false));
  });

  function expectMillions(command: HostCommand | undefined): void {
    if (command?.cmd !== 'to' || command.to === 'all') throw new Error('not a to with a list');
    expect([command.to.length, command.data.length]).toEqual([million, million]);
    expect(command.to.every((player) => player === 2) && command.data.every((octet) => octet === 1)).toBe(
      true,
    );
  }
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
  const golden = text.slice(text.indexOf('## 13'), text.indexOf('## 14'));
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
