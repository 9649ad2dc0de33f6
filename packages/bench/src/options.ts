/** The command line. */
import {
  describeNumbers,
  OptionError,
  parseNumber,
  parseScenarioNames,
  readArguments,
  type NumberOption,
} from './arguments.ts';
import { STAMP_BYTES } from './payload.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

export const SUBJECTS = ['gateway', 'bare', 'bare-loop', 'bare-topics'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface Options {
  readonly subject: Subject;
  /** What the subject is measured against. */
  readonly against: Subject;
  readonly scenarios: readonly Scenario[];
  readonly isSmoke: boolean;
  readonly rounds: number;
  readonly measureMs: number;
  readonly warmupMs: number;
  readonly rooms: number;
  readonly window: number;
  readonly payloadBytes: number;
  readonly ratePerSecond: number;
  readonly sockets: number;
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
  rooms: { full: 16, smoke: 2, least: 1, most: 500, what: 'rooms of 8; fewer of 200' },
  window: { full: 4, smoke: 4, least: 1, most: 256, what: 'frames in flight on each stream' },
  payload: { full: 32, smoke: 32, least: STAMP_BYTES, most: 65_536, what: 'bytes of a payload' },
  rate: { full: 2000, smoke: 500, least: 1, most: 50_000, what: 'echoes a second in echo-latency' },
  sockets: { full: 5000, smoke: 300, least: 10, most: 9000, what: 'sockets of idle-memory' },
} satisfies Record<string, NumberOption>;

type NumberName = keyof typeof NUMBERS;

export function describeOptions(): string {
  return [
    'Usage: pnpm bench [options]',
    '       pnpm bench cluster [options]     two nodes and one Redis; see pnpm bench cluster --help',
    '',
    'Measures a subject against the bare relay: the same load, in turns, on one core each.',
    '',
    `  --subject NAME    ${SUBJECTS.join(', ')} (gateway)`,
    '  --against NAME    what it is measured against, of the same (bare)',
    `  --scenarios A,B   of ${SCENARIOS.map(({ name }) => name).join(', ')} (all)`,
    ...describeNumbers(NUMBERS),
    '  --smoke           short and small; looks only at lost, doubled, reordered and damaged frames',
    '  --out FILE        where the results go as JSON (packages/bench/results/latest.json)',
    '  --help            this text',
  ].join('\n');
}

/** @returns undefined when help is asked for. @throws {OptionError} at the first mistake. */
export function parseOptions(args: readonly string[], defaultOut: string): Options | undefined {
  const texts = [...Object.keys(NUMBERS), 'subject', 'against', 'scenarios', 'out'];
  const given = readArguments(args, texts, ['smoke', 'help']);
  if (given['help'] === true) return undefined;
  const isSmoke = given['smoke'] === true;
  const number = (name: NumberName): number => parseNumber(name, NUMBERS[name], given[name], isSmoke);
  return {
    subject: parseSubject('subject', given['subject'] ?? 'gateway'),
    against: parseSubject('against', given['against'] ?? 'bare'),
    scenarios: parseScenarioNames(given['scenarios'], SCENARIOS),
    isSmoke,
    rounds: number('rounds'),
    measureMs: number('seconds') * 1000,
    warmupMs: number('warmup') * 1000,
    rooms: number('rooms'),
    window: number('window'),
    payloadBytes: number('payload'),
    ratePerSecond: number('rate'),
    sockets: number('sockets'),
    out: String(given['out'] ?? (isSmoke ? '' : defaultOut)),
  };
}

function parseSubject(option: string, given: string | boolean): Subject {
  const subject = SUBJECTS.find((name) => name === given);
  if (!subject) throw new OptionError(`--${option}=${given}: expected one of ${SUBJECTS.join(', ')}`);
  return subject;
}
