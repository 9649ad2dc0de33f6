/** What is JSON, with JSON.parse as the judge. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonReader } from './json-reader.ts';

const PUNCTUATION = Array.from('{}[],:"\\ -+.eE019tn');
const WORDS = [
  'true',
  'false',
  'null',
  '"a"',
  '"a":',
  '"\\u00',
  '\\n',
  '\n',
  '\u00a0',
  '-0',
  '1e5',
  '{"a":1}',
  '[1,2]',
];

describe('a value', () => {
  const token = fc.constantFrom(...PUNCTUATION, ...WORDS);
  const text = fc.oneof(
    fc.array(token, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.array(token, { maxLength: 5 }).map((parts) => `{"a":${parts.join('')}}`),
    fc.json(),
  );

  test('is stepped over exactly when JSON.parse takes it', () => {
    fc.assert(
      fc.property(text, (json) => {
        expect(succeeds(() => skipAll(json))).toBe(succeeds(() => JSON.parse(json)));
      }),
      { numRuns: 5000 },
    );
  });

  test('that is not the last ends where the next begins', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const reader = new JsonReader(Buffer.from(`${json},[]`));
        reader.skip();
        expect(reader.at).toBe(Buffer.byteLength(json));
      }),
    );
  });
});

function skipAll(json: string): void {
  const reader = new JsonReader(Buffer.from(json));
  reader.skip();
  if (reader.peek() !== -1) throw new Error('more behind the value');
}

function succeeds(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}
