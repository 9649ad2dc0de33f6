import { beforeEach, expect, test } from '@jest/globals';
import { type Log } from './log.ts';
import { Offenders } from './offenders.ts';

let lines: object[];
let log: Log;
beforeEach(() => {
  lines = [];
  const never = (): void => expect(true).toBe(false);
  log = {
    debug: never,
    info: never,
    error: never,
    warn: (fields, event) => void lines.push({ event, ...fields }),
  };
});

test('one line a period has who did most, first; and none when there was nobody', () => {
  const offenders = new Offenders(log, true);
  for (let i = 0; i < 500; i += 1) offenders.note('tooManyUnknownCodes', '203.0.113.7');
  offenders.note('flooding', '203.0.113.7');
  for (let i = 0; i < 3; i += 1) offenders.note('tooManyIdleHosts', '203.0.113.8');
  expect(lines).toEqual([]);
  offenders.write();
  offenders.write();
  expect(lines).toEqual([
    {
      event: 'turned away by address',
      addresses: [
        { address: '203.0.113.7', why: 'tooManyUnknownCodes', count: 500 },
        { address: '203.0.113.8', why: 'tooManyIdleHosts', count: 3 },
        { address: '203.0.113.7', why: 'flooding', count: 1 },
      ],
      others: 0,
    },
  ]);
});

test('of an IPv6 address the network that limits count; of a mapped IPv4 address that address', () => {
  const offenders = new Offenders(log, true);
  offenders.note('flooding', '2001:0db8:0000:0001:0000:0000:0000:0001');
  offenders.note('flooding', '2001:0db8:0000:0001:0000:0000:0000:0002');
  offenders.note('flooding', '0000:0000:0000:0000:0000:ffff:cb00:7107');
  offenders.write();
  expect(lines).toMatchObject([
    {
      addresses: [
        { address: '2001:0db8:0000:0001::/64', count: 2 },
        { address: '203.0.113.7', count: 1 },
      ],
    },
  ]);
});

test('of a hundred thousand addresses it keeps a thousand, writes ten and sums up the others', () => {
  const offenders = new Offenders(log, true);
  offenders.note('flooding', '203.0.113.7');
  offenders.note('flooding', '203.0.113.7');
  for (let i = 0; i < 100_000; i += 1)
    offenders.note('flooding', `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  offenders.write();
  expect(lines).toMatchObject([
    { addresses: { length: 10, 0: { address: '203.0.113.7', count: 2 } }, others: 99_991 },
  ]);
});

test('no address of who was turned away for something else, and none at all when that is not wanted', () => {
  const offenders = new Offenders(log, true);
  for (const why of [
    'roomNotFound',
    'roomFull',
    'kicked',
    'slowConsumer',
    'notPrepared',
    'nodeRestarting',
  ] as const)
    offenders.note(why, '203.0.113.7');
  offenders.write();
  const silent = new Offenders(log, false);
  silent.note('flooding', '203.0.113.7');
  silent.write();
  expect(lines).toEqual([]);
});
