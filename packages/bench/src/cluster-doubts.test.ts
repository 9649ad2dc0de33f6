import { expect, test } from '@jest/globals';
import { findClusterDoubts } from './cluster-doubts.ts';
import type { Round } from './cluster-rows.ts';
import type { ClusterSample } from './cluster-sampling.ts';
import { createIntegrity } from './tally.ts';

function sample(framesPerPublish: number, serverWaited = 0): ClusterSample {
  const batching = { framesPerPublish, publishesPerRead: 1 };
  const busy = { values: {}, units: 0, serverBusy: 0, serverWaited, loadBusy: 0, wasStarved: false };
  return { ...busy, batching, integrity: createIntegrity(), remarks: [], failure: '' };
}

function round(cluster: number, rawRelay: number): Round {
  return { cluster: sample(cluster), 'raw relay': sample(rawRelay) };
}

test('batching is equal up to a tenth, in the median of the rounds', () => {
  expect(findClusterDoubts('fan-in', [round(29, 30), round(20, 30), round(31, 30)])).toEqual([]);
  expect(findClusterDoubts('fan-in', [round(24, 30), round(20, 30), round(31, 30)])).toEqual([
    'fan-in: unequal batching: 24 frames/publish in the cluster, 30 from the raw relay',
  ]);
});

test('a scenario without a raw relay has no batching to compare', () => {
  expect(findClusterDoubts('openings', [{ cluster: sample(1) }])).toEqual([]);
});

test('samples whose core was shared with something else are counted', () => {
  const shared = { cluster: sample(1), 'one node': sample(1, 0.2) };
  expect(findClusterDoubts('rooms', [shared])).toEqual([
    "rooms: something else ran on the nodes' core in 1 of 2 samples",
  ]);
});
