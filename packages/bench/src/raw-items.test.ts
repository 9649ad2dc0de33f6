import { expect, test } from '@jest/globals';
import { ItemWriter, KIND, readItems } from './raw-items.ts';

function read(bytes: Buffer): [number, number[], string][] {
  const items: [number, number[], string][] = [];
  readItems(bytes, ({ kind, players, payload }) => {
    items.push([kind, [...players], Buffer.from(payload).toString('latin1')]);
  });
  return items;
}

test('items are read as they were appended, whatever was taken before', () => {
  const writer = new ItemWriter();
  writer.append(KIND.text, [9], Buffer.from('gone'));
  writer.take();
  expect(writer.isEmpty).toBe(true);
  writer.append(KIND.joined, [300]);
  writer.append(KIND.binary, [], Buffer.from('\x00\xff', 'latin1'));
  writer.append(KIND.text, [1, 4_000_000_000], Buffer.from('hi'));
  expect(writer.isEmpty).toBe(false);
  expect(read(writer.take())).toEqual([
    [KIND.joined, [300], ''],
    [KIND.binary, [], '\x00\xff'],
    [KIND.text, [1, 4_000_000_000], 'hi'],
  ]);
});

test('a writer grows, and keeps what it has', () => {
  const writer = new ItemWriter();
  const long = 'x'.repeat(100_000);
  for (const text of ['a', long, 'b']) writer.append(KIND.text, [1], Buffer.from(text));
  expect(read(writer.take()).map(([, , text]) => text)).toEqual(['a', long, 'b']);
});
