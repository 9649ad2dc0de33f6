import { describe, expect, test } from '@jest/globals';
import { IpRanges, parseIpRanges } from './ip-ranges.ts';

function included(ranges: string, ...addresses: string[]): boolean[] {
  const parsed = new IpRanges(parseIpRanges(ranges));
  return addresses.map((address) => parsed.include(address));
}

test('no range includes nobody', () => {
  expect(included('', '127.0.0.1', '::1')).toEqual([false, false]);
  expect(parseIpRanges(' ')).toEqual([]);
});

test('an address without a prefix is that address alone', () => {
  expect(included('10.0.0.7', '10.0.0.7', '10.0.0.6', '10.0.0.8')).toEqual([true, false, false]);
  expect(included('fd00::7', 'fd00::7', 'fd00::8')).toEqual([true, false]);
});

test('a range ends where its prefix says, bit for bit', () => {
  expect(included('10.0.0.0/12', '10.15.255.255', '10.16.0.0', '9.255.255.255')).toEqual([
    true,
    false,
    false,
  ]);
  expect(included('2001:db8:0:10::/60', '2001:db8:0:1f::1', '2001:db8:0:20::1')).toEqual([true, false]);
});

test('a range of IPv4 includes its addresses mapped into IPv6, in any spelling, and nobody else', () => {
  const spelled = ['::ffff:10.0.0.7', '::ffff:a00:7', '0000:0000:0000:0000:0000:ffff:0a00:0007'];
  expect(included('10.0.0.0/8', ...spelled)).toEqual([true, true, true]);
  expect(included('10.0.0.0/8', '::ffff:11.0.0.7', '::a00:7', 'a00:7::')).toEqual([false, false, false]);
});

test('a range of IPv6 does not include IPv4', () => {
  expect(included('fd00::/8', 'fdff::1', '253.0.0.1', '::ffff:253.0.0.1')).toEqual([true, false, false]);
});

test('bits behind the prefix do not count', () => {
  expect(included('10.1.2.3/8', '10.9.9.9')).toEqual([true]);
});

test('several ranges are separated by commas; blanks around them do not count', () => {
  expect(included('10.0.0.1 , fd00::/8', '10.0.0.1', 'fd00::1', '10.0.0.2')).toEqual([true, true, false]);
});

test('what is no address is in no range', () => {
  expect(included('0.0.0.0/0,::/0', '', '10.0.0', 'localhost')).toEqual([false, false, false]);
});

describe('no ranges are', () => {
  test.each([
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/-1',
    'all',
    'fe80::1%eth0',
    '1,,2',
    '/8',
  ])('%s', (text) => {
    expect(() => parseIpRanges(text)).toThrow(
      /^expected IP addresses or ranges such as 10\.0\.0\.0\/8, .* is none$/,
    );
  });
});
