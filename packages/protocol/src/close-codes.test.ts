/** Every close code can be sent, says truly whether to come back, and is documented. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { CLOSE, MAX_CLOSE_REASON_BYTES, mayComeBack, type Close } from './index.ts';

const closes = Object.entries<Close>(CLOSE);

describe('every close', () => {
  test.each(closes)('%s: its reason fits into a close frame', (_name, { reason }) => {
    expect(Buffer.byteLength(reason)).toBeGreaterThan(0);
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(MAX_CLOSE_REASON_BYTES);
  });

  test.each(closes)('%s: its code may be sent', (_name, { code }) => {
    // RFC 6455 §7.4.1: 1005, 1006 and 1015 are never in a close frame; 4000–4999 are for private use.
    expect([1001, 1008, 1009, 1011, 1012, 1013].includes(code) || (code >= 4000 && code <= 4999)).toBe(true);
  });

  test('no two have the same code and reason', () => {
    expect(new Set(closes.map(([, { code, reason }]) => `${code} ${reason}`)).size).toBe(closes.length);
  });
});

describe('may come back', () => {
  test.each([1006, 1005, 1000, 1011, 1012, 1013, 4000, 4003, 4004, 4499, 5000])('after %i', (code) => {
    expect(mayComeBack(code)).toBe(true);
  });

  test.each([1001, 1008, 1009, 4500, 4504, 4999])('not after %i', (code) => {
    expect(mayComeBack(code)).toBe(false);
  });
});

describe('PROTOCOL.md', () => {
  const text = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| (\d{4}) \| `([^`]+)` \| [^|]+ \| (yes|no)[^|]*\|$/gm)];

  test('lists every close, in the order of the table, with whether to come back', () => {
    expect(rows.map(([, code, reason, back]) => `${code} ${reason} ${back}`)).toEqual(
      closes.map(([, { code, reason }]) => `${code} ${reason} ${mayComeBack(code) ? 'yes' : 'no'}`),
    );
  });
});
