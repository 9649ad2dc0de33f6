/** What is asked of Redis by hand on a connection that hears, and what becomes of its answers. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { within } from '@wmbp/testkit';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { settled } from '../../test/fakes.ts';
import { HearPipe } from './hear-pipe.ts';

const LONG_MS = 60_000;

let server: Server;
let ours: Socket;
let pipe: HearPipe;
/** The other end. */
let redis: Socket;
let read: string;
let heard: string[];
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ours = connect((server.address() as AddressInfo).port, '127.0.0.1');
  ours.on('error', () => undefined);
  [redis] = (await once(server, 'connection')) as [Socket];
  read = '';
  redis.on('data', (piece: Buffer) => (read += piece.toString('latin1')));
  redis.on('error', () => undefined);
  heard = [];
  pipe = open(LONG_MS);
});
afterEach(() => {
  redis.destroy();
  ours.destroy();
  server.close();
});

function open(answerWithinMs: number): HearPipe {
  return new HearPipe(ours, answerWithinMs, (channel, envelope) =>
    heard.push(`${channel}=${Buffer.from(envelope).toString('latin1')}`),
  );
}

function answer(kind: string, channel: string): string {
  return `*3\r\n$${kind.length}\r\n${kind}\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`;
}

const MESSAGE = '*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n';

test('commands are written as Redis reads them', async () => {
  const asked = [pipe.ping(), pipe.subscribe(['a', 'bcd']), pipe.unsubscribe(['a'])];
  const expected =
    '*1\r\n$4\r\nping\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n$3\r\nbcd\r\n*2\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n';
  while (read.length < expected.length) await settled();
  expect(read).toBe(expected);
  redis.write(
    `+PONG\r\n${answer('subscribe', 'a')}${answer('subscribe', 'bcd')}${answer('unsubscribe', 'a')}`,
  );
  await within('the answers', Promise.all(asked));
});

test('a command is answered when all its channels are, and messages between the answers are heard', async () => {
  let isAnswered = false;
  const subscribed = pipe.subscribe(['a', 'b']).then(() => (isAnswered = true));
  redis.write(answer('subscribe', 'a') + MESSAGE);
  while (heard.length === 0) await settled();
  expect(heard).toEqual(['a=hi']);
  expect(isAnswered).toBe(false);
  redis.write(answer('subscribe', 'b'));
  await within('the answer', subscribed);
});

test('what Redis refuses is refused to whom it concerns, with its words', async () => {
  const refused = pipe.subscribe(['a', 'b']);
  const pinged = pipe.ping();
  redis.write('-NOPERM not you\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n');
  await expect(refused).rejects.toThrow('NOPERM not you');
  await expect(refused).rejects.toHaveProperty('name', 'ReplyError');
  await within('the pong', pinged);
});

test('who gets no answer in time is refused, and an answer that comes late is nobody else’s', async () => {
  pipe = open(0);
  await expect(pipe.subscribe(['a'])).rejects.toThrow('no answer in time');
  const unsubscribed = pipe.unsubscribe(['a']).catch(() => undefined);
  redis.write(answer('subscribe', 'a') + answer('unsubscribe', 'a') + MESSAGE);
  while (heard.length === 0) await settled();
  await unsubscribed;
  expect(ours.destroyed).toBe(false);
});

test('what is unanswered when the connection ends is refused, and so is what comes later', async () => {
  const subscribed = pipe.subscribe(['a']);
  const pinged = pipe.ping();
  redis.destroy();
  await expect(subscribed).rejects.toThrow('closed');
  await expect(pinged).rejects.toThrow('closed');
  await expect(pipe.unsubscribe(['a'])).rejects.toThrow('closed');
});

test.each([
  ['nonsense', 'HTTP/1.1 400 Bad Request\r\n'],
  ['an answer to nothing', '+PONG\r\n'],
  ['a refusal of nothing', '-ERR what\r\n'],
])('%s ends the connection, and nothing behind it is heard', async (_what, bytes) => {
  redis.write(MESSAGE + bytes + MESSAGE);
  await within('the end', new Promise((resolve) => ours.once('close', resolve)));
  expect(heard).toEqual(['a=hi']);
});

test('another answer than the one that is due ends the connection', async () => {
  const subscribed = pipe.subscribe(['a']);
  redis.write(answer('unsubscribe', 'a'));
  await expect(subscribed).rejects.toThrow('closed');
});
