/** What is written to Redis by hand, and what becomes of its answers. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { settled } from '../../test/fakes.ts';
import { PublishPipe } from './publish-pipe.ts';

let server: Server;
let pipe: PublishPipe;
/** The other end. */
let redis: Socket;
let read: Buffer;
let answers: (number | undefined)[];
let errors: string[];
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = connect((server.address() as AddressInfo).port, '127.0.0.1');
  // Whoever has made a connection deals with its errors; destroying the other end may reset it.
  ours.on('error', () => undefined);
  [redis] = (await once(server, 'connection')) as [Socket];
  read = Buffer.alloc(0);
  redis.on('data', (piece: Buffer) => (read = Buffer.concat([read, piece])));
  answers = [];
  errors = [];
  pipe = new PublishPipe(ours, (error) => errors.push(error));
});
afterEach(() => {
  redis.destroy();
  server.close();
});

function onAnswer(receivers: number | undefined): void {
  answers.push(receivers);
}

/** What the other end has read by the time that it has so many bytes. */
async function written(bytes: number): Promise<string> {
  while (read.length < bytes) await settled();
  return read.toString('latin1');
}

test('what is published is written as commands, byte for byte', async () => {
  pipe.publish('a', Uint8Array.of(0xff, 0, 13, 10), onAnswer);
  pipe.publish('channel', new Uint8Array(), onAnswer);
  pipe.check(onAnswer);
  const expected =
    '*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$4\r\n\u00ff\u0000\r\n\r\n*3\r\n$7\r\nPUBLISH\r\n$7\r\nchannel\r\n$0\r\n\r\nDEL wmbp:nothing\r\n';
  expect(await written(expected.length)).toBe(expected);
});

test('an envelope may be of any size, and whatever memory is used again later', async () => {
  const sizes = [0, 1, 16_384, 16_385, 65_536, 300_000, 5, ...Array.from({ length: 200 }, (_, i) => 61 * i)];
  let expected = '';
  for (const [index, size] of sizes.entries()) {
    const envelope = new Uint8Array(size).fill(index);
    expected += `*3\r\n$7\r\nPUBLISH\r\n$1\r\nx\r\n$${size}\r\n${Buffer.from(envelope).toString('latin1')}\r\n`;
    pipe.publish('x', envelope, onAnswer);
    if (index % 10 === 0) await settled();
  }
  expect((await written(expected.length)) === expected).toBe(true);
  redis.write(':1\r\n'.repeat(sizes.length));
  while (answers.length < sizes.length) await settled();
  expect(pipe.unansweredBytes).toBe(0);
});

test('answers find their commands in order, wherever the chunks of the stream end', async () => {
  const told = [':0\r\n', ':12\r\n', '-NOPERM you\r\n', '-NOPERM no\r\n', ':3\r\n'];
  for (let split = 0; split < told.join('').length; split += 1) {
    pipe.publish('a', new Uint8Array(7), onAnswer);
    pipe.publish('b', new Uint8Array(7), onAnswer);
    pipe.check(onAnswer);
    pipe.publish('c', new Uint8Array(7), onAnswer);
    pipe.publish('d', new Uint8Array(7), onAnswer);
    redis.write(told.join('').slice(0, split));
    await settled();
    redis.write(told.join('').slice(split));
    while (answers.length < told.length) await settled();
    expect(answers.splice(0)).toEqual([0, 12, 0, undefined, 3]);
    expect(errors.splice(0)).toEqual(['NOPERM no']);
    expect(pipe.unansweredBytes).toBe(0);
  }
});

test('what is unanswered when the connection ends is answered with undefined, and so is what comes later', async () => {
  pipe.publish('a', new Uint8Array(7), onAnswer);
  pipe.publish('b', new Uint8Array(7), onAnswer);
  redis.write(':1\r\n');
  while (answers.length < 1) await settled();
  expect(pipe.unansweredBytes).toBe(7);
  const ended = new Promise((resolve) => pipe.check(resolve));
  redis.destroy();
  expect(await ended).toBeUndefined();
  expect(answers).toEqual([1, undefined]);
  pipe.publish('c', new Uint8Array(7), onAnswer);
  expect(answers).toHaveLength(2);
  await settled();
  expect(answers).toEqual([1, undefined, undefined]);
  expect(pipe.unansweredBytes).toBe(0);
});

test('a replica is known by what it answers to a check', async () => {
  const answer = new Promise((resolve) => pipe.check(resolve));
  redis.write("-READONLY You can't write against a read only replica.\r\n");
  expect(await answer).toBe(0);
  expect(errors).toEqual(["READONLY You can't write against a read only replica."]);
});
