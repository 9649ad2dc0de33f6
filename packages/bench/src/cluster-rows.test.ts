import { expect, test } from '@jest/globals';
import { compareRounds, type Round } from './cluster-rows.ts';
import type { ClusterSample } from './cluster-sampling.ts';
import { CLUSTER_SCENARIOS, type ClusterScenario } from './cluster-scenarios.ts';
import { createIntegrity } from './tally.ts';

function sample(values: Readonly<Record<string, number>>, framesPerPublish = 1): ClusterSample {
  const batching = { framesPerPublish, publishesPerRead: 1 };
  const busy = { units: 0, serverBusy: 0, serverWaited: 0, loadBusy: 0, wasStarved: false };
  return { values, ...busy, batching, integrity: createIntegrity(), remarks: [], failure: '' };
}

function ratios(name: string, rounds: readonly Round[]): Record<string, number> {
  const scenario = CLUSTER_SCENARIOS.find((known) => known.name === name) as ClusterScenario;
  const rows = compareRounds(scenario, rounds);
  return Object.fromEntries(rows.map((row) => [`${row.unit} ${row.against}`, row.ratio.median]));
}

test('the cluster is compared with the raw relay within a round, and its batching too', () => {
  const rounds = [
    { cluster: sample({ perCpuSecond: 90 }, 27), 'raw relay': sample({ perCpuSecond: 100 }, 30) },
    { cluster: sample({ perCpuSecond: 40 }, 30), 'raw relay': sample({ perCpuSecond: 50 }, 30) },
    { cluster: sample({ perCpuSecond: 300 }, 33), 'raw relay': sample({ perCpuSecond: 100 }, 30) },
  ];
  const found = ratios('unicast', rounds);
  expect(found['frames/CPU s raw relay']).toBeCloseTo(0.9);
  expect(found['frames/publish raw relay']).toBeCloseTo(1);
});

test.each(['fan-in', 'unicast', 'broadcast-8'])(
  '%s has a goal against the raw relay, and one for crossings',
  (name) => {
    const scenario = CLUSTER_SCENARIOS.find((known) => known.name === name) as ClusterScenario;
    const round = { cluster: sample({ perCpuSecond: 80 }), 'raw relay': sample({ perCpuSecond: 100 }) };
    const withGoal = compareRounds(scenario, [round]).filter(({ isMet }) => isMet !== undefined);
    expect(withGoal).toMatchObject([
      { unit: 'frames/CPU s', against: 'raw relay', isMet: true },
      { unit: 'crossings/CPU s', against: 'raw', isMet: false },
    ]);
  },
);

test('a crossing is what a publish costs beyond the same work on nodes apart', () => {
  // 4 and 6 µs a frame; 10 frames a publish: 20 µs beside 10 and 5 raw ones.
  const round = {
    'one node': sample({ perCpuSecond: 500_000 }),
    'nodes apart': sample({ perCpuSecond: 250_000 }),
    cluster: sample({ perCpuSecond: 1e6 / 6 }, 10),
    raw: sample({ perCpuSecond: 100_000 }),
    'raw corked': sample({ perCpuSecond: 200_000 }),
  };
  const found = ratios('fan-in', [round]);
  expect(found['frames/CPU s one node']).toBeCloseTo(2 / 6);
  expect(found['frames/CPU s nodes apart']).toBeCloseTo(4 / 6);
  expect(found['frames/CPU s raw']).toBeCloseTo(1 / 6);
  expect(found['crossings/CPU s raw']).toBeCloseTo(0.5);
  expect(found['crossings/CPU s raw corked']).toBeCloseTo(0.25);
});

test('a frame to eight players crosses once', () => {
  // 1 and 2 µs a delivery; 2 frames, 16 deliveries a publish: 16 µs beside 8.
  const round = {
    'nodes apart': sample({ perCpuSecond: 1e6 }),
    cluster: sample({ perCpuSecond: 5e5 }, 2),
    raw: sample({ perCpuSecond: 125_000 }),
  };
  expect(ratios('broadcast-8', [round])['crossings/CPU s raw']).toBeCloseTo(0.5);
});

test('added latency is compared within a round', () => {
  const rounds = [
    {
      'one node': sample({ medianUs: 100 }),
      cluster: sample({ medianUs: 400 }),
      raw: sample({ medianUs: 200 }),
    },
    {
      'one node': sample({ medianUs: 900 }),
      cluster: sample({ medianUs: 1200 }),
      raw: sample({ medianUs: 200 }),
    },
  ];
  expect(ratios('latency', rounds)['µs added, median raw']).toBeCloseTo(1.5);
});

test('another gateway is compared with within a round, where there is one', () => {
  const rounds = [
    { cluster: sample({ perCpuSecond: 90 }), 'other gateway': sample({ perCpuSecond: 100 }) },
    { cluster: sample({ perCpuSecond: 40 }), 'other gateway': sample({ perCpuSecond: 50 }) },
    { cluster: sample({ perCpuSecond: 300 }), 'other gateway': sample({ perCpuSecond: 100 }) },
  ];
  expect(ratios('fan-in', rounds)['frames/CPU s other gateway']).toBeCloseTo(0.9);
  const latencies = [{ cluster: sample({ medianUs: 440 }), 'other gateway': sample({ medianUs: 400 }) }];
  expect(ratios('latency', latencies)['µs, median other gateway']).toBeCloseTo(1.1);
  expect(ratios('fan-in', [{ cluster: sample({ perCpuSecond: 90 }) }])).not.toHaveProperty(
    'frames/CPU s other gateway',
  );
});
