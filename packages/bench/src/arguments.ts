/** Command lines: what the sub-commands have in common. */
import { parseArgs } from 'node:util';

/** A mistake on the command line; its message is one line. */
export class OptionError extends Error {}

export interface NumberOption {
  readonly full: number;
  readonly smoke: number;
  readonly least: number;
  readonly most: number;
  readonly what: string;
  /** Need not be whole. */
  readonly mayBeBroken?: boolean;
}

export type Given = Readonly<Record<string, string | boolean | undefined>>;

/** @throws {OptionError} at an unknown option */
export function readArguments(
  args: readonly string[],
  texts: readonly string[],
  flags: readonly string[],
): Given {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = Object.fromEntries([
    ...texts.map((name) => [name, text] as const),
    ...flags.map((name) => [name, flag] as const),
  ]);
  try {
    return parseArgs({ args: [...args], options }).values as Given;
  } catch (error) {
    // The first sentence says what is wrong; the rest is advice about escaping.
    throw new OptionError((error as Error).message.split('. ')[0]);
  }
}

/** @throws {OptionError} when it is no number within its bounds */
export function parseNumber(
  name: string,
  { full, smoke, least, most, mayBeBroken = false }: NumberOption,
  given: string | boolean | undefined,
  isSmoke: boolean,
): number {
  if (given === undefined) return isSmoke ? smoke : full;
  const number = Number(given);
  if (given !== '' && number >= least && number <= most && (mayBeBroken || Number.isInteger(number)))
    return number;
  throw new OptionError(
    `--${name}=${given}: expected ${mayBeBroken ? 'a' : 'a whole'} number from ${least} to ${most}`,
  );
}

/** All of `known` when none is given. @throws {OptionError} at one that is not known */
export function parseScenarioNames<Scenario extends { readonly name: string }>(
  given: string | boolean | undefined,
  known: readonly Scenario[],
): readonly Scenario[] {
  if (typeof given !== 'string') return known;
  return given.split(',').map((name) => {
    const scenario = known.find((one) => one.name === name);
    if (scenario) return scenario;
    throw new OptionError(`--scenarios=${name}: expected some of ${known.map((one) => one.name).join(',')}`);
  });
}

export function describeNumbers(numbers: Readonly<Record<string, NumberOption>>): string[] {
  return Object.entries(numbers).map(
    ([name, { full, smoke, what }]) => `  --${`${name} N`.padEnd(15)} ${what} (${full}; smoke: ${smoke})`,
  );
}
