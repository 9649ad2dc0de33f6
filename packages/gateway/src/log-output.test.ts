import { Transform, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LogOutput, withFlush } from './log-output.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] }));
afterEach(() => void jest.useRealTimers());

/** A reader that takes nothing until it is told to. */
function stalledReader(): { stream: Writable; taken: string[]; take: () => void } {
  const taken: string[] = [];
  let pending: (() => void) | undefined;
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      taken.push(chunk);
      pending = done;
    },
  });
  return { stream, taken, take: () => pending?.() };
}

test('lines arrive in order; flush waits for them', async () => {
  const { stream, taken, take } = stalledReader();
  const output = new LogOutput(stream);
  output.write('one\n');
  output.write('two\n');
  const flushed = new Promise<void>((resolve) => output.flush(resolve));
  for (let i = 0; i < 3; i += 1) {
    take();
    await Promise.resolve();
  }
  await flushed;
  expect(taken.join('')).toBe('one\ntwo\n');
});

test('a reader that stalls costs a megabyte, and no more', () => {
  const { stream } = stalledReader();
  const output = new LogOutput(stream);
  const line = 'x'.repeat(1024);
  for (let i = 0; i < 5000; i += 1) output.write(line);
  expect(stream.writableLength).toBeLessThanOrEqual(1024 * 1024 + 1024);
});

test.each([
  ['reader', (stream: Writable) => new LogOutput(stream)],
  ['formatter', withFlush],
])('flush gives a %s that stalls half a second', (_, outputOf) => {
  const output = outputOf(stalledReader().stream);
  output.write('one\n');
  const done = jest.fn();
  output.flush(done);
  jest.advanceTimersByTime(499);
  expect(done).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(done).toHaveBeenCalledTimes(1);
});

test('a reader that is gone is no error, and nothing to wait for', () => {
  const { stream } = stalledReader();
  const output = new LogOutput(stream);
  stream.destroy(new Error('EPIPE'));
  output.write('one\n');
  const done = jest.fn();
  output.flush(done);
  expect(done).toHaveBeenCalledTimes(1);
});

test('what is formatted on its way has arrived when flush is done', async () => {
  const arrived: string[] = [];
  const slow = new Transform({
    decodeStrings: false,
    transform: (line: string, _, done) => setImmediate(() => done(null, line)),
  });
  slow.on('data', (line: Buffer) => arrived.push(line.toString()));
  const output = withFlush(slow);
  output.write('one ');
  output.write('two');
  await new Promise<void>((resolve) => output.flush(resolve));
  expect(arrived.join('')).toBe('one two');
});
