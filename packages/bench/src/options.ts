/** The command line. */
import { parseArgs } from 'node:util';
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

/** A mistake on the command line; its message is one line. */
export class OptionError extends Error {}

const NUMBERS = {
  rounds: { full: 5, smoke: 1, least: 1, most: 100, what: 'samples of each scenario and subject' },
  seconds: { full: 2, smoke: 0.3, least: 0.1, most: 600, what: 'length of a sample' },
  warmup: { full: 1, smoke: 0.1, least: 0, most: 60, what: 'seconds of load before a sample' },
  rooms: { full: 16, smoke: 2, least: 1, most: 500, what: 'rooms of 8; fewer of 200' },
  window: { full: 4, smoke: 4, least: 1, most: 256, what: 'frames in flight on each stream' },
  payload: { full: 32, smoke: 32, least: STAMP_BYTES, most: 65_536, what: 'bytes of a payload' },
  rate: { full: 2000, smoke: 500, least: 1, most: 50_000, what: 'echoes a second in echo-latency' },
  sockets: { full: 5000, smoke: 300, least: 10, most: 9000, what: 'sockets of idle-memory' },
} as const;

type NumberName = keyof typeof NUMBERS;

export function describeOptions(): string {
  const numbers = Object.entries(NUMBERS).map(
    ([name, { full, smoke, what }]) => `  --${`${name} N`.padEnd(15)} ${what} (${full}; smoke: ${smoke})`,
  );
  return [
    'Usage: pnpm bench [options]',
    '',
    'Measures a subject against the bare relay: the same load, in turns, on one core each.',
    '',
    `  --subject NAME    ${SUBJECTS.join(', ')} (gateway)`,
    '  --against NAME    what it is measured against, of the same (bare)',
    `  --scenarios A,B   of ${SCENARIOS.map(({ name }) => name).join(', ')} (all)`,
    ...numbers,
    '  --smoke           short and small; looks only at lost, doubled, reordered and damaged frames',
    '  --out FILE        where the results go as JSON (packages/bench/results/latest.json)',
    '  --help            this text',
  ].join('\n');
}

/** @returns undefined when help is asked for. @throws {OptionError} at the first mistake. */
export function parseOptions(args: readonly string[], defaultOut: string): Options | undefined {
  const given = readArgs(args);
  if (given['help'] === true) return undefined;
  const isSmoke = given['smoke'] === true;
  const number = (name: NumberName): number => parseNumber(name, given[name], isSmoke);
  return {
    subject: parseSubject('subject', given['subject'] ?? 'gateway'),
    against: parseSubject('against', given['against'] ?? 'bare'),
    scenarios: parseScenarios(given['scenarios']),
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

type Given = Readonly<Record<string, string | boolean | undefined>>;

function readArgs(args: readonly string[]): Given {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const numbers = Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, text]));
  const options = {
    ...numbers,
    subject: text,
    against: text,
    scenarios: text,
    out: text,
    smoke: flag,
    help: flag,
  };
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // The first sentence says what is wrong; the rest is advice about escaping.
    throw new OptionError((error as Error).message.split('. ')[0]);
  }
}

function parseNumber(name: NumberName, given: string | boolean | undefined, isSmoke: boolean): number {
  const { full, smoke, least, most } = NUMBERS[name];
  if (given === undefined) return isSmoke ? smoke : full;
  const number = Number(given);
  const mayBeBroken = name === 'seconds' || name === 'warmup';
  if (given !== '' && number >= least && number <= most && (mayBeBroken || Number.isInteger(number)))
    return number;
  throw new OptionError(
    `--${name}=${given}: expected ${mayBeBroken ? 'a' : 'a whole'} number from ${least} to ${most}`,
  );
}

function parseSubject(option: string, given: string | boolean): Subject {
  const subject = SUBJECTS.find((name) => name === given);
  if (!subject) throw new OptionError(`--${option}=${given}: expected one of ${SUBJECTS.join(', ')}`);
  return subject;
}

function parseScenarios(given: string | boolean | undefined): readonly Scenario[] {
  if (typeof given !== 'string') return SCENARIOS;
  return given.split(',').map((name) => {
    const scenario = SCENARIOS.find((known) => known.name === name);
    if (scenario) return scenario;
    throw new OptionError(
      `--scenarios=${name}: expected some of ${SCENARIOS.map((known) => known.name).join(',')}`,
    );
  });
}
