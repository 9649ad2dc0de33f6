/** What is collected in a turn leaves at its end. */
import { beforeEach, expect, test } from '@jest/globals';
import { FakeLog, settled } from '../test/fakes.ts';
import { Turn } from './turn.ts';

let log: FakeLog;
let turn: Turn;
let flushed: string[];
beforeEach(() => {
  log = new FakeLog();
  turn = new Turn(log);
  flushed = [];
});

function flushable(name: string, then: () => void = () => undefined): { flush(): void } {
  return {
    flush: () => {
      flushed.push(name);
      then();
    },
  };
}

test('what is added is flushed once, when the turn ends, in the order added', async () => {
  turn.add(flushable('a'));
  turn.add(flushable('b'));
  await Promise.resolve();
  expect(flushed).toEqual([]);
  await settled();
  expect(flushed).toEqual(['a', 'b']);
  await settled();
  expect(flushed).toEqual(['a', 'b']);
});

test('what a flush adds is flushed in the same turn, itself included', async () => {
  let rounds = 0;
  const again = flushable('again', () => {
    rounds += 1;
    if (rounds < 3) turn.add(again);
  });
  turn.add(flushable('first', () => turn.add(flushable('second'))));
  turn.add(again);
  await settled();
  expect(flushed).toEqual(['first', 'again', 'second', 'again', 'again']);
});

test('a flush that throws is logged and costs the others nothing', async () => {
  const broken = flushable('broken', () => {
    throw new Error('broken');
  });
  turn.add(broken);
  turn.add(flushable('whole'));
  await settled();
  expect(flushed).toEqual(['broken', 'whole']);
  expect(log.errors).toEqual(['flush failed']);
  turn.add(flushable('next'));
  await settled();
  expect(flushed).toEqual(['broken', 'whole', 'next']);
});

test('memory of the turn is given back after the last flush', async () => {
  const taken = turn.buffer.copy(Uint8Array.of(1, 2, 3));
  let seen: Uint8Array | undefined;
  turn.add(flushable('late', () => turn.add(flushable('later', () => (seen = taken.slice())))));
  await settled();
  expect(seen).toEqual(Uint8Array.of(1, 2, 3));
  expect(turn.buffer.start).toBe(0);
});
