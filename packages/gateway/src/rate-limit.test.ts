/** Token buckets fill, run dry and stay few. */
import { describe, expect, test } from '@jest/globals';
import { networkOf, RateLimit } from './rate-limit.ts';

const SHAPE = { burst: 3, perSecond: 2, maxBuckets: 2 };

function taken(limit: RateLimit, address: string, times: number, nowMs: number): boolean[] {
  return Array.from({ length: times }, () => limit.take(address, nowMs));
}

describe('a bucket', () => {
  test('gives a burst, then nothing', () => {
    expect(taken(new RateLimit(SHAPE), 'a', 4, 1000)).toEqual([true, true, true, false]);
  });

  test('fills at its rate, up to the burst', () => {
    const limit = new RateLimit(SHAPE);
    taken(limit, 'a', 3, 1000);
    expect(taken(limit, 'a', 1, 1499)).toEqual([false]);
    expect(taken(limit, 'a', 2, 1500)).toEqual([true, false]);
    expect(taken(limit, 'a', 4, 100_000)).toEqual([true, true, true, false]);
  });

  test('is filled by fractions too: asking often loses nothing', () => {
    const limit = new RateLimit(SHAPE);
    taken(limit, 'a', 3, 0);
    let given = 0;
    for (let nowMs = 10; nowMs <= 10_000; nowMs += 10) if (limit.take('a', nowMs)) given += 1;
    expect(given).toBeGreaterThanOrEqual(19);
    expect(given).toBeLessThanOrEqual(20);
  });

  test('is its address’s own', () => {
    const limit = new RateLimit(SHAPE);
    taken(limit, 'a', 3, 0);
    expect(taken(limit, 'b', 1, 0)).toEqual([true]);
  });
});

describe('the memory', () => {
  test('is bounded: addresses beyond it share one bucket', () => {
    const limit = new RateLimit(SHAPE);
    for (let i = 0; i < 1000; i += 1) limit.take(`address ${i}`, 0);
    expect(limit.size).toBe(2);
    expect(limit.take('yet another', 0)).toBe(false);
    expect(limit.take('address 0', 0)).toBe(true);
  });

  test('of full buckets is given back', () => {
    const limit = new RateLimit(SHAPE);
    limit.take('a', 0);
    taken(limit, 'b', 3, 0);
    limit.forgetFull(600);
    expect(limit.size).toBe(1);
    expect(taken(limit, 'b', 2, 600)).toEqual([true, false]);
    limit.forgetFull(10_000);
    expect(limit.size).toBe(0);
  });
});

describe('a network', () => {
  test('is an IPv4 address, also one mapped into IPv6', () => {
    expect(networkOf('10.1.2.3')).toBe('10.1.2.3');
    expect(networkOf('0000:0000:0000:0000:0000:ffff:0a01:0203')).toBe('10.1.2.3');
    expect(networkOf('0000:0000:0000:0000:0000:ffff:0a01:0204')).toBe('10.1.2.4');
  });

  test('is the first 64 bits of an IPv6 address', () => {
    const network = networkOf('2001:0db8:0001:0002:aaaa:bbbb:cccc:dddd');
    expect(networkOf('2001:0db8:0001:0002:0000:0000:0000:0001')).toBe(network);
    expect(networkOf('2001:0db8:0001:0003:aaaa:bbbb:cccc:dddd')).not.toBe(network);
  });
});
