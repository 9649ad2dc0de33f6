/** The load scripts, by real k6: what passes, and above all what must not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  findK6,
  freePort,
  ROOT,
  startBalancer,
  startRedis,
  startServer,
  within,
  type Balancer,
  type ServerProcess,
  type TestRedis,
} from '@wmbp/testkit';
import { execFile, type ChildProcess } from 'node:child_process';
import { metricOf, until } from './tools.ts';

const K6_BUILT_MS = 600_000;
const PASSED = 0;
const THRESHOLDS_CROSSED = 99;

interface Run {
  readonly exitCode: number;
  readonly report: string;
  readonly errors: string;
}

let k6: string;
let redis: TestRedis;
let nodes: ServerProcess[] = [];
let balancer: Balancer;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  k6 = await findK6();
  redis = await startRedis();
  const settings = { WMBP_REDIS_URL: redis.url, WMBP_DRAIN_NOTICE_MS: '500' };
  for (let i = 0; i < 2; i += 1) {
    nodes.push(await startServer({ ...settings, WMBP_PORT: String(await freePort()) }));
  }
  balancer = await startBalancer(nodes.map(({ port }) => port));
}, K6_BUILT_MS);

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  for (const node of nodes) node.kill('SIGKILL');
  await Promise.all(nodes.map(({ exited }) => exited));
  await balancer?.stop();
  await redis?.stop();
});

function play(script: string, sizes: Readonly<Record<string, string | number>>): Promise<Run> {
  const settings = Object.entries({ ...PATIENT, ...sizes }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  const args = ['run', '--quiet', '--no-usage-report', ...settings, `deploy/k6/${script}.ts`];
  return new Promise((resolve, reject) => {
    const child = execFile(k6, args, { cwd: ROOT }, (error, report, errors) => {
      running.delete(child);
      const exitCode = error === null ? PASSED : error.code;
      if (typeof exitCode !== 'number') return reject(error);
      console.log(report);
      resolve({ exitCode, report, errors });
    });
    running.add(child);
  });
}

function expectPassed({ exitCode, report, errors }: Run): void {
  expect({ exitCode, errors, report }).toMatchObject({ exitCode: PASSED, errors: '' });
  expect(report).toMatch(/lost 0, doubled 0, out of order 0, damaged 0/);
}

function atCluster(): string {
  return `ws://127.0.0.1:${balancer.port}`;
}

function atOneNode(): string {
  return `ws://127.0.0.1:${nodes[0]?.port}`;
}

/** What is tested is whether frames come, not how fast: this machine may do something else as well. */
const PATIENT = {
  JOIN_P95_MS: 8000,
  ROUND_TRIP_P95_MS: 8000,
  HOST_TO_PLAYER_P99_MS: 8000,
  DRAWING_P95_MS: 8000,
  BACK_P95_MS: 20_000,
  GROWTH_PERCENT: 500,
};
const PARTY = { ROOMS: 2, PLAYERS: 4, SECONDS: 3, RAMP_SECONDS: 0 };

test('a party passes on two nodes, with hosts and players on both and frames between them', async () => {
  const run = await play('party', { URL: atCluster(), ...PARTY });
  expectPassed(run);
  expect(run.report).toContain('rooms finished 2, rooms unfinished 0, players joined 8');
  expect(run.report).toMatch(/^closes +1001: 10$/m);
  for (const { adminPort } of nodes) {
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    expect(metricOf(metrics, 'wmbp_frames_total', { peer: 'player', direction: 'in' })).toBeGreaterThan(0);
    expect(metricOf(metrics, 'wmbp_frames_total', { peer: 'host', direction: 'in' })).toBeGreaterThan(0);
    expect(metricOf(metrics, 'wmbp_link_envelopes_total', { direction: 'out' })).toBeGreaterThan(0);
  }
});

test('a party with one threshold that cannot hold fails, and says which', async () => {
  const { exitCode, report } = await play('party', { URL: atCluster(), ...PARTY, ROUND_TRIP_P95_MS: 0 });
  expect(exitCode).toBe(THRESHOLDS_CROSSED);
  expect(report).toContain('BROKEN    round_trip: p(95)<0, came');
  expect(report).toMatch(/, 1 broken$/m);
});

test.each(['party', 'join-storm', 'broadcast', 'drawing', 'soak', 'deploy'])(
  '%s fails where no server is: a run without samples is no success',
  async (script) => {
    const port = await freePort();
    const sizes = { URL: `ws://127.0.0.1:${port}`, ROOMS: 1, PLAYERS: 1, PATIENCE_MS: 500 };
    const brief = { SECONDS: 1, HOURS: 0.0003, PARTY_SECONDS: 1, RAMP_SECONDS: 0, STORM_AT_SECONDS: 1 };
    const { exitCode, report } = await play(script, { ...sizes, ...brief });
    expect(exitCode).toBe(THRESHOLDS_CROSSED);
    expect(report).toMatch(/players joined 0$/m);
    expect(report).toContain('BROKEN    players_joined: count>=1, came 0');
  },
);

test('a setting that is a mistake ends the run before it begins', async () => {
  const { exitCode, errors } = await play('party', { URL: atOneNode(), PLAYERS: 'eight' });
  expect(exitCode).not.toBe(PASSED);
  expect(errors).toContain('PLAYERS=eight: expected a number');
});

test('a join-storm passes on one node', async () => {
  const sizes = { ROOMS: 3, PLAYERS: 8, STORM_AT_SECONDS: 1, SECONDS: 1 };
  const run = await play('join-storm', { URL: atOneNode(), ...sizes });
  expectPassed(run);
  expect(run.report).toContain('players joined 24');
});

test('a broadcast passes on one node', async () => {
  expectPassed(await play('broadcast', { URL: atOneNode(), PLAYERS: 30, SECONDS: 2, PLAYER_HZ: 1 }));
});

test.each(['binary', 'text'])('drawings of 300 KB in %s frames pass on one node', async (frames) => {
  const pace = { PLAYER_EVERY_SECONDS: 1, HOST_EVERY_SECONDS: 1 };
  const run = await play('drawing', {
    URL: atOneNode(),
    ROOMS: 1,
    PLAYERS: 2,
    SECONDS: 3,
    FRAMES: frames,
    ...pace,
  });
  expectPassed(run);
});

test('a soak passes on one node, watches its memory and leaves nobody behind', async () => {
  const metrics = `http://127.0.0.1:${nodes[0]?.adminPort}/metrics`;
  const sizes = { ROOMS: 2, PLAYERS: 2, HOURS: 0.0015, PARTY_SECONDS: 1, METRICS: metrics };
  const run = await play('soak', { URL: atOneNode(), ...sizes });
  expectPassed(run);
  expect(run.report).toMatch(/memory looks 40, memory growth percent -?\d+, left over 0/);
});

test('a soak fails when no party began in its last quarter: how late answers were then, nobody knows', async () => {
  const sizes = { ROOMS: 1, PLAYERS: 1, HOURS: 0.00027, PARTY_SECONDS: 2 };
  const { exitCode, report } = await play('soak', { URL: atOneNode(), ...sizes });
  expect(exitCode).toBe(THRESHOLDS_CROSSED);
  expect(report).toContain('BROKEN    answers_received{part:last}: count>=1, came 0');
  expect(report).toMatch(/, 1 broken$/m);
});

test('a rolling restart of two nodes under play sends everybody on with 1012, and everybody comes back', async () => {
  const sizes = { ROOMS: 3, PLAYERS: 3, SECONDS: 12 };
  const playing = play('deploy', { URL: atCluster(), ...sizes });
  const everybody = async (): Promise<boolean> => {
    const texts = nodes.map(async ({ adminPort }) =>
      (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
    );
    const players = (await Promise.all(texts)).map((text) => metricOf(text, 'wmbp_players', {}));
    return players.reduce((sum, count) => sum + count, 0) === 9;
  };
  for (const index of [0, 1]) {
    await until('everybody to play', everybody);
    const node = nodes[index] as ServerProcess;
    node.kill('SIGTERM');
    expect(await within('the node to drain', node.exited)).toEqual({ code: 0, signal: null });
    const settings = { WMBP_REDIS_URL: redis.url, WMBP_PORT: String(node.port), WMBP_DRAIN_NOTICE_MS: '500' };
    nodes[index] = await startServer(settings);
  }
  const run = await playing;
  expectPassed(run);
  // In play, nothing but 1012. A try that reaches a node in its last moment may be lost (1006), and is made again.
  expect(run.report).toMatch(/unexpected closes 0/);
  expect(run.report).toMatch(/interruptions [1-9]\d*, .*peers away 0/);
  expect(run.report).toMatch(/^closes .*1001: 12, (1006: \d+, )?1012: \d+$/m);
});

test('a restart that nobody made fails the script', async () => {
  const sizes = { ROOMS: 1, PLAYERS: 1, SECONDS: 3 };
  const { exitCode, report } = await play('deploy', { URL: atOneNode(), ...sizes });
  expect(exitCode).toBe(THRESHOLDS_CROSSED);
  expect(report).toContain('BROKEN    interruptions: count>=1, came 0');
  expect(report).toMatch(/, 1 broken$/m);
});
