/** What the answers of a Redis Cluster lead to while its slots move. */
import { expect, test } from '@jest/globals';
import { answerIn, isMoving, isOnItsWay, isFinal, untilPassed, type Clock } from './redirections.ts';

/** As ioredis gives it. */
function answered(words: string): Error {
  const error = new Error(words);
  error.name = 'ReplyError';
  return error;
}

function notFollowed(error: Error): Error {
  return new Error(`Too many Cluster redirections. Last error: ${String(error)}`);
}

const PASSING = [
  'MOVED 3300 127.0.0.1:7002',
  'ASK 3300 127.0.0.1:7002',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN Hash slot not served',
].map(answered);
const REFUSALS = ['ERR syntax error', 'NOPERM no permissions', 'WRONGTYPE kind of value'].map(answered);
const SILENCES = [new Error('Connection is closed.'), new Error('Command timed out')];

test('an answer is the same, whether ioredis followed it or not', () => {
  for (const error of [...PASSING, ...REFUSALS, ...SILENCES]) {
    expect(answerIn(notFollowed(error))).toBe(String(error));
    expect(answerIn(error)).toBe(String(error));
  }
});

test('redirections pass, refusals do not, and of a lost connection nothing is known', () => {
  for (const each of [...PASSING, ...PASSING.map(notFollowed)])
    expect([isOnItsWay(each), isFinal(each)]).toEqual([true, false]);
  for (const each of [...REFUSALS, ...REFUSALS.map(notFollowed)])
    expect([isOnItsWay(each), isFinal(each)]).toEqual([false, true]);
  for (const each of [...SILENCES, ...SILENCES.map(notFollowed)])
    expect([isOnItsWay(each), isFinal(each)]).toEqual([false, false]);
});

test('a slot that nobody has is an outage, and no move', () => {
  expect(PASSING.map(isMoving)).toEqual([true, true, true, false]);
});

test('a word of Redis inside the text of something else is no redirection', () => {
  expect(isOnItsWay(new Error('who would ASK 1 of them'))).toBe(false);
  expect(isOnItsWay(answered('ERR unknown command ASK '))).toBe(false);
});

let nowMs = 0;
const CLOCK: Clock = {
  nowMs: () => nowMs,
  wait: (ms) => {
    nowMs += ms;
    return Promise.resolve();
  },
};

/** Answers the errors in turn, the last one for ever, unless there are no more. */
function answering(
  errors: readonly Error[],
  isForEver = false,
): { work: () => Promise<string>; tries: number } {
  const asked = {
    tries: 0,
    work: () => {
      const error = isForEver ? errors[0] : errors[asked.tries];
      asked.tries += 1;
      return error ? Promise.reject(error) : Promise.resolve('done');
    },
  };
  return asked;
}

test('what passes is asked again until it has passed', async () => {
  const asked = answering(PASSING);
  await expect(untilPassed(asked.work, isOnItsWay, 2000, CLOCK)).resolves.toBe('done');
  expect(asked.tries).toBe(PASSING.length + 1);
});

test('what does not pass is asked once', async () => {
  for (const error of [...REFUSALS, ...SILENCES]) {
    const asked = answering([error], true);
    await expect(untilPassed(asked.work, isOnItsWay, 2000, CLOCK)).rejects.toBe(error);
    expect(asked.tries).toBe(1);
  }
});

test('what never passes is asked as long as there is patience', async () => {
  const [error] = PASSING as [Error];
  const asked = answering([error], true);
  const startedAtMs = nowMs;
  await expect(untilPassed(asked.work, isOnItsWay, 2000, CLOCK)).rejects.toBe(error);
  // 50, 100, 200, and then 400 four times; once more would be too late.
  expect([asked.tries, nowMs - startedAtMs]).toEqual([8, 1950]);
});
