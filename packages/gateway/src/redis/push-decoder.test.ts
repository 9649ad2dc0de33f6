/** What Redis says on a connection that hears, wherever the chunks of the stream end. */
import { beforeEach, expect, test } from '@jest/globals';
import { PushDecoder } from './push-decoder.ts';

let heard: string[];
let decoder: PushDecoder;
beforeEach(() => {
  heard = [];
  decoder = new PushDecoder({
    message: (channel, bytes) => heard.push(`${channel}=${Buffer.from(bytes).toString('latin1')}`),
    reply: (kind) => heard.push(`<${kind}>`),
    refusal: (error) => heard.push(`-${error}`),
  });
});

function message(channel: string, data: string): string {
  return `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${data.length}\r\n${data}\r\n`;
}

function answer(kind: string, channel: string, count: number): string {
  return `*3\r\n$${kind.length}\r\n${kind}\r\n$${channel.length}\r\n${channel}\r\n:${count}\r\n`;
}

/** Each chunk in memory of its own, as a socket reads it. */
function write(...chunks: string[]): void {
  for (const chunk of chunks) decoder.write(Buffer.from(chunk, 'latin1'));
}

const STREAM = [
  '+PONG\r\n',
  answer('subscribe', 'wmbp:{ABCD}:1', 1),
  message('wmbp:{ABCD}:1', ''),
  message('x', '\r\n*3\r\n$7\r\nmessage\r\n\u00ff\u0000'),
  answer('subscribe', 'x', 12),
  "-NOPERM User it's has no permissions\r\n",
  message('wmbp:{ABCD}:1', 'm'.repeat(130)),
  '*2\r\n$4\r\npong\r\n$0\r\n\r\n',
  answer('unsubscribe', 'x', 0),
  '*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n',
  message('y', 'last'),
].join('');
const SAID = [
  '<PONG>',
  '<subscribe>',
  'wmbp:{ABCD}:1=',
  'x=\r\n*3\r\n$7\r\nmessage\r\n\u00ff\u0000',
  '<subscribe>',
  "-NOPERM User it's has no permissions",
  `wmbp:{ABCD}:1=${'m'.repeat(130)}`,
  '<pong>',
  '<unsubscribe>',
  '<unsubscribe>',
  'y=last',
];

test('messages and answers come in the order said', () => {
  write(STREAM);
  expect(heard).toEqual(SAID);
});

test('a chunk may end anywhere', () => {
  for (let split = 0; split <= STREAM.length; split += 1) {
    write(STREAM.slice(0, split), STREAM.slice(split));
    expect(heard.splice(0)).toEqual(SAID);
  }
});

test('chunks may be of any size, down to a byte', () => {
  for (let size = 1; size < 200; size += 1) {
    for (let at = 0; at < STREAM.length; at += size) write(STREAM.slice(at, at + size));
    expect(heard.splice(0)).toEqual(SAID);
  }
});

test('a message is told as soon as its last byte is there', () => {
  const bytes = message('x', 'data');
  write(bytes.slice(0, -1));
  expect(heard).toEqual([]);
  write(bytes.slice(-1));
  expect(heard).toEqual(['x=data']);
});

test('a message that is larger than many chunks is put together once, and what follows is not lost', () => {
  const large = 'abcdefgh'.repeat(400_000);
  const bytes = `${message('small', 'before')}${message('large', large)}${message('small', 'after')}`;
  for (let at = 0; at < bytes.length; at += 65_536) write(bytes.slice(at, at + 65_536));
  expect(heard.map((said) => said.length)).toEqual([12, 6 + large.length, 11]);
  expect(heard[1] === `large=${large}`).toBe(true);
});

test('a message that lies in one chunk is not copied', () => {
  const views: Uint8Array[] = [];
  const direct = new PushDecoder({
    message: (_channel, bytes) => views.push(bytes),
    reply: () => undefined,
    refusal: () => undefined,
  });
  const chunk = Buffer.from(`+PONG\r\n${message('x', 'data')}`);
  direct.write(chunk);
  expect(views.map((view) => view.buffer)).toEqual([chunk.buffer]);
  expect(Buffer.from(views[0] ?? []).toString()).toBe('data');
});

test.each([
  ['another type', ':1\r\n', 'expected a reply, found byte 58'],
  ['no type at all', 'HTTP/1.1 400 Bad Request\r\n', 'expected a reply, found byte 72'],
  ['an array of nothing', '*0\r\n', 'expected 1 to 3 fields, found 0'],
  ['an array of too much', '*4\r\n', 'expected 1 to 3 fields, found 4'],
  ['no number', '*x\r\n', 'expected a digit, found byte 120'],
  ['an array in an array', '*2\r\n*1\r\n', 'expected a field, found byte 42'],
  ['a longer string than Redis takes', '*1\r\n$999999999\r\n', 'a string of 999999999 bytes'],
  ['a string longer than it says', '*1\r\n$4\r\npongs\r\n', 'a string ends where it should not'],
  ['half a line end', '+PONG\n', 'a line ends where it should not'],
  ['a line without an end', `+${'x'.repeat(5000)}`, 'a line does not end'],
])('%s is an error, whatever the chunks', (_what, bytes, error) => {
  expect(() => write(bytes)).toThrow(error);
  decoder = new PushDecoder({ message: () => undefined, reply: () => undefined, refusal: () => undefined });
  expect(() => write(...bytes.split(''))).toThrow(error);
  expect(heard).toEqual([]);
});
