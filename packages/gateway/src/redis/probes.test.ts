/** When a subscription counts as deaf, and what is done about it. */
import { beforeEach, expect, test } from '@jest/globals';
import { Probes } from './probes.ts';

let published: string[];
let remedies: string[];
let isAccepted: boolean;
let receivers: number;
let probes: Probes;
beforeEach(() => {
  published = [];
  remedies = [];
  isAccepted = true;
  receivers = 1;
  probes = new Probes(
    (group, onAnswer) => {
      published.push(group);
      queueMicrotask(() => onAnswer(isAccepted ? receivers : undefined));
    },
    (group, remedy) => remedies.push(`${group} ${remedy}`),
  );
});

async function tick(...heard: string[]): Promise<void> {
  probes.tick();
  await Promise.resolve();
  await Promise.resolve();
  for (const group of heard) probes.onHeard(group, 1);
}

test('a group that hears its probes, or anything else, is left alone', async () => {
  probes.add('a', 0);
  for (let i = 0; i < 5; i += 1) await tick('a');
  expect(published).toHaveLength(5);
  expect(remedies).toEqual([]);
});

test('a deaf group is subscribed again, then its connection rebuilt, and so on while it stays deaf', async () => {
  probes.add('a', 0);
  probes.add('b', 0);
  for (let i = 0; i < 5; i += 1) await tick('b');
  expect(remedies).toEqual(['a subscribeAgain', 'a rebuild', 'a subscribeAgain', 'a rebuild']);
});

test('probes are counted, those that were missed, and connections given up', async () => {
  probes.add('a', 0);
  await tick('a');
  expect(probes.counts).toEqual({ sent: 1, missed: 0, rebuilt: 0 });
  for (let i = 0; i < 3; i += 1) await tick();
  expect(probes.counts).toEqual({ sent: 4, missed: 2, rebuilt: 1 });
});

test('a group that hears, but not where it is published, is deaf: its connection is to a replica', async () => {
  probes.add('a', 0);
  await tick('a');
  receivers = 0;
  for (let i = 0; i < 3; i += 1) await tick('a');
  expect(remedies).toEqual(['a subscribeAgain', 'a rebuild']);
  receivers = 1;
  for (let i = 0; i < 3; i += 1) await tick('a');
  expect(remedies).toHaveLength(3);
});

test('a group that hears again begins anew', async () => {
  probes.add('a', 0);
  await tick();
  await tick('a');
  await tick();
  await tick();
  expect(remedies).toEqual(['a subscribeAgain', 'a subscribeAgain']);
});

test('a probe that was not accepted says nothing', async () => {
  probes.add('a', 0);
  isAccepted = false;
  for (let i = 0; i < 5; i += 1) await tick();
  expect(remedies).toEqual([]);
});

test('the age is that of the quietest group', async () => {
  probes.add('a', 100);
  probes.add('b', 200);
  expect(probes.oldestMs(1000)).toBe(900);
  probes.onHeard('a', 1000);
  expect(probes.oldestMs(1000)).toBe(800);
  probes.remove('b');
  expect(probes.oldestMs(1000)).toBe(0);
});
