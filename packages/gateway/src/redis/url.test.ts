/** Where Redis is, as an operator writes it. */
import { describe, expect, test } from '@jest/globals';
import { parseRedisUrl, type RedisTarget } from './url.ts';

const ONE: RedisTarget = {
  kind: 'standalone',
  isTls: false,
  addresses: [{ host: 'a', port: 6379 }],
  name: undefined,
  username: undefined,
  password: undefined,
  database: 0,
};
const TWO = [
  { host: 'a', port: 7001 },
  { host: 'b', port: 7002 },
];

describe('one Redis', () => {
  test.each<[string, Partial<RedisTarget>]>([
    ['redis://a', {}],
    ['redis://a:6380/2', { addresses: [{ host: 'a', port: 6380 }], database: 2 }],
    ['rediss://a', { isTls: true }],
    ['redis://[::1]:6380', { addresses: [{ host: '::1', port: 6380 }] }],
    ['redis://user:p%40ss%2Fw@a', { username: 'user', password: 'p@ss/w' }],
    ['redis://:secret@a', { password: 'secret' }],
    ['redis://user@a', { username: 'user' }],
  ])('%s', (url, differences) => {
    expect(parseRedisUrl(url)).toEqual({ ...ONE, ...differences });
  });
});

describe('Sentinels of a group', () => {
  const GROUP = { ...ONE, kind: 'sentinel', name: 'party' } as const;

  test.each<[string, Partial<RedisTarget>]>([
    ['redis-sentinel://a/party', { addresses: [{ host: 'a', port: 26_379 }] }],
    ['redis-sentinel://a:7001,b:7002/party', { addresses: TWO }],
    ['rediss-sentinel://a:7001,b:7002/party', { addresses: TWO, isTls: true }],
    [
      'redis-sentinel://u:p@a:7001,b:7002/a%20b',
      { addresses: TWO, username: 'u', password: 'p', name: 'a b' },
    ],
    // Its name, not the number of a database.
    ['redis-sentinel://a:7001,b:7002/3', { addresses: TWO, name: '3' }],
  ])('%s', (url, differences) => {
    expect(parseRedisUrl(url)).toEqual({ ...GROUP, ...differences });
  });
});

describe('a Cluster', () => {
  test.each<[string, Partial<RedisTarget>]>([
    ['redis-cluster://a:7001,b:7002', {}],
    ['redis-cluster://a:7001,b:7002/0', {}],
    ['rediss-cluster://u:p@a:7001,b:7002', { isTls: true, username: 'u', password: 'p' }],
  ])('%s', (url, differences) => {
    expect(parseRedisUrl(url)).toEqual({ ...ONE, kind: 'cluster', addresses: TWO, ...differences });
  });
});

test.each([
  ['', 'expected redis[s]://'],
  ['a:6379', 'expected redis[s]://'],
  ['http://a', 'expected redis[s]://'],
  ['redis://a:port', 'expected redis[s]://'],
  ['redis://a:65536', 'expected redis[s]://'],
  ['redis://a,b', 'one host'],
  ['redis://a/party', 'the number of a database'],
  ['redis-sentinel://a,b', 'the name of the group'],
  ['redis-cluster://a/1', 'no databases'],
])('%p is refused, and said why', (url, reason) => {
  expect(() => parseRedisUrl(url)).toThrow(reason);
});

test('a refusal holds nothing of the URL, which may carry a password', () => {
  const told = (): unknown => {
    try {
      return parseRedisUrl('redis://user:hunter2@a/b/c');
    } catch (error) {
      return error;
    }
  };
  expect(String(told())).toContain('expected redis[s]://');
  expect(String(told())).not.toMatch(/hunter2|user:h/);
});
