/** URL paths: who asks for what. */
import { describe, expect, test } from '@jest/globals';
import { CREATE_PATH, parsePath, roomCodeOf, roomPath } from './index.ts';

describe('a path', () => {
  test.each(['/CREATE', '/create', '/Create'])('%s is a host’s', (path) => {
    expect(parsePath(path)).toEqual({ kind: 'create' });
  });

  test.each(['/ABCD', '/abcd', '/aBcD'])('%s is a player’s', (path) => {
    expect(parsePath(path)).toEqual({ kind: 'room', room: 'ABCD' });
  });

  test.each([
    '',
    '/',
    'ABCD',
    'xABCD',
    'CREATE',
    '//ABCD',
    '/ABCD/',
    '/ABC',
    '/ABCDE',
    '/CREATE/',
    '/CRÉATE',
    '/A%42CD',
    '/ABCD?',
  ])('%j is nobody’s', (path) => {
    expect(parsePath(path)).toBeUndefined();
  });

  test('is built as it is read', () => {
    expect(parsePath(CREATE_PATH)).toEqual({ kind: 'create' });
    expect(parsePath(roomPath(roomCodeOf(0)))).toEqual({ kind: 'room', room: 'AAAA' });
  });
});
