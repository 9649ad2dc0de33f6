import { expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { parseClusterOptions } from './cluster-options.ts';

test('a smoke run is short and written nowhere unless asked', () => {
  expect(parseClusterOptions(['--smoke'], 'x.json')).toMatchObject({ rounds: 1, measureMs: 300, out: '' });
  expect(parseClusterOptions(['--smoke', '--out', 'y'], 'x.json')).toMatchObject({ out: 'y' });
});

test('everything is measured unless scenarios are given, in the order given', () => {
  expect(parseClusterOptions([], 'x.json')?.scenarios).toHaveLength(7);
  const options = parseClusterOptions(['--scenarios', 'latency,fan-in'], 'x.json');
  expect(options?.scenarios.map(({ name }) => name)).toEqual(['latency', 'fan-in']);
});

test.each([
  [['--creates', '20000'], '--creates=20000: expected a whole number from 3 to 15000'],
  [['--scenarios', 'echo'], /^--scenarios=echo: expected some of fan-in,/],
  [['--subject', 'bare'], "Unknown option '--subject'"],
])('says in one line what is wrong with %j', (args, message) => {
  expect(() => parseClusterOptions(args, 'x.json')).toThrow(message);
});

test('another gateway to compare with is a checkout', () => {
  const checkout = fileURLToPath(new URL('../../..', import.meta.url));
  expect(parseClusterOptions(['--against-gateway', checkout], '')?.againstGateway).toBe(checkout);
  expect(parseClusterOptions([], '')?.againstGateway).toBeUndefined();
  expect(() => parseClusterOptions(['--against-gateway', '/nowhere'], '')).toThrow(
    '--against-gateway=/nowhere: expected a checkout with packages/gateway/src/main.ts',
  );
});
