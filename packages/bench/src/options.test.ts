import { expect, test } from '@jest/globals';
import { parseOptions } from './options.ts';

test('a smoke run is short and written nowhere unless asked', () => {
  expect(parseOptions(['--smoke'], 'latest.json')).toMatchObject({ rounds: 1, measureMs: 300, out: '' });
  expect(parseOptions(['--smoke', '--out', 'x'], 'latest.json')).toMatchObject({ out: 'x' });
});

test('scenarios are taken in the order given', () => {
  const options = parseOptions(['--scenarios', 'echo,fan-in'], 'latest.json');
  expect(options?.scenarios.map(({ name }) => name)).toEqual(['echo', 'fan-in']);
});

test.each([
  [['--rounds', '0'], '--rounds=0: expected a whole number from 1 to 100'],
  [['--rounds', '1.5'], '--rounds=1.5: expected a whole number from 1 to 100'],
  [['--seconds', ''], '--seconds=: expected a number from 0.1 to 600'],
  [['--subject', 'x'], '--subject=x: expected one of gateway, bare, bare-loop, bare-topics'],
  [['--scenarios', 'fan-in,x'], /^--scenarios=x: expected some of fan-in,/],
  [['--rouns', '3'], "Unknown option '--rouns'"],
  [['3'], /^Unexpected argument '3'/],
])('says in one line what is wrong with %j', (args, message) => {
  expect(() => parseOptions(args, 'latest.json')).toThrow(message);
});
