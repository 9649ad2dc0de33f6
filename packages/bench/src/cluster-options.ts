/** The command line of `pnpm bench cluster`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeNumbers,
  OptionError,
  parseNumber,
  parseScenarioNames,
  readArguments,
  type NumberOption,
} from './arguments.ts';
import { CLUSTER_SCENARIOS, type ClusterScenario } from './cluster-scenarios.ts';
import { STAMP_BYTES } from './payload.ts';

export interface ClusterOptions {
  readonly scenarios: readonly ClusterScenario[];
  readonly isSmoke: boolean;
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmupMs: number;
  /** Of each process that is measured, before a sample of what crosses. */
  readonly warmupCpuMs: number;
  readonly rooms: number;
  readonly window: number;
  readonly payloadBytes: number;
  readonly ratePerSecond: number;
  readonly openings: number;
  readonly manyRooms: number;
  readonly creates: number;
  /** A checkout whose gateways are measured beside this one's. */
  readonly againstGateway: string | undefined;
  /** Empty: nowhere. */
  readonly out: string;
}

const NUMBERS = {
  rounds: { full: 5, smoke: 1, least: 1, most: 100, what: 'samples of each scenario and subject' },
  seconds: { full: 2, smoke: 0.3, least: 0.1, most: 600, what: 'length of a sample', mayBeBroken: true },
  warmup: {
    full: 1,
    smoke: 0.1,
    least: 0,
    most: 60,
    what: 'seconds of load before a sample',
    mayBeBroken: true,
  },
  'warmup-cpu': {
    full: 3,
    smoke: 0,
    least: 0,
    most: 20,
    what: 'CPU seconds of each process before that',
    mayBeBroken: true,
  },
  rooms: { full: 16, smoke: 2, least: 1, most: 500, what: 'rooms of 8' },
  window: { full: 4, smoke: 4, least: 1, most: 256, what: 'frames in flight on each stream' },
  payload: { full: 32, smoke: 32, least: STAMP_BYTES, most: 65_536, what: 'bytes of a payload' },
  rate: { full: 500, smoke: 300, least: 1, most: 50_000, what: 'echoes a second in latency' },
  openings: { full: 400, smoke: 20, least: 4, most: 1500, what: 'rooms that openings opens' },
  'many-rooms': { full: 5000, smoke: 200, least: 100, most: 6000, what: 'rooms that are compared with 100' },
  creates: { full: 10_000, smoke: 600, least: 3, most: 15_000, what: 'rooms that creates asks for at once' },
} satisfies Record<string, NumberOption>;

type NumberName = keyof typeof NUMBERS;
const TEXTS = [...Object.keys(NUMBERS), 'scenarios', 'against-gateway', 'out'];

export function describeClusterOptions(): string {
  const scenarios = CLUSTER_SCENARIOS.map(({ name, what }) => `  ${name.padEnd(17)} ${what}`);
  return [
    'Usage: pnpm bench cluster [options]',
    '',
    'Measures two gateways and one Redis (REDIS_URL, one from the PATH, or the Debian package), the host on one node and the',
    'players on the other, against the raw relay (two bare relays and raw ioredis pub/sub, batched alike), against one',
    'node and two nodes apart with rooms in memory, and against raw ioredis pub/sub that moves the same bytes alone.',
    '',
    ...scenarios,
    '',
    '  --scenarios A,B   of these (all)',
    ...describeNumbers(NUMBERS),
    '  --against-gateway DIR',
    '                    a checkout with its dependencies, whose gateways take turns with these in crossings and latency',
    '  --smoke           short and small; looks only at lost, doubled, reordered and damaged frames',
    '  --out FILE        where the results go as JSON (packages/bench/results/cluster.json)',
    '  --help            this text',
  ].join('\n');
}

/** @returns undefined when help is asked for. @throws {OptionError} at the first mistake. */
export function parseClusterOptions(args: readonly string[], defaultOut: string): ClusterOptions | undefined {
  const given = readArguments(args, TEXTS, ['smoke', 'help']);
  if (given['help'] === true) return undefined;
  const isSmoke = given['smoke'] === true;
  const number = (name: NumberName): number => parseNumber(name, NUMBERS[name], given[name], isSmoke);
  return {
    scenarios: parseScenarioNames(given['scenarios'], CLUSTER_SCENARIOS),
    isSmoke,
    rounds: number('rounds'),
    measureMs: number('seconds') * 1000,
    warmupMs: number('warmup') * 1000,
    warmupCpuMs: number('warmup-cpu') * 1000,
    rooms: number('rooms'),
    window: number('window'),
    payloadBytes: number('payload'),
    ratePerSecond: number('rate'),
    openings: number('openings'),
    manyRooms: number('many-rooms'),
    creates: number('creates'),
    againstGateway: parseCheckout(given['against-gateway']),
    out: String(given['out'] ?? (isSmoke ? '' : defaultOut)),
  };
}

function parseCheckout(given: string | boolean | undefined): string | undefined {
  if (typeof given !== 'string') return undefined;
  if (existsSync(join(given, 'packages/gateway/src/main.ts'))) return given;
  throw new OptionError(`--against-gateway=${given}: expected a checkout with packages/gateway/src/main.ts`);
}
