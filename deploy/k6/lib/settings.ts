/** The sizes of a run, from environment variables (`-e NAME=value`). A mistake ends the run before it begins. */
import { type Form } from './plan.ts';

/** Where peers connect; several are taken in turn, as by a balancer. */
export const URLS: readonly string[] = list('URL', ['ws://localhost:8081']);

for (const url of URLS) {
  if (!/^wss?:\/\/[^/]+$/.test(url))
    throw new Error(`URL=${url}: expected ws://host:port or wss://host:port`);
}

export function number(name: string, byDefault: number, least = 0): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (!(value >= least)) throw new Error(`${name}=${text}: expected a number of at least ${least}`);
  return value;
}

export function integer(name: string, byDefault: number, least = 1): number {
  const value = number(name, byDefault, least);
  if (!Number.isInteger(value)) throw new Error(`${name}=${value}: expected an integer`);
  return value;
}

/** Separated by commas. */
export function list(name: string, byDefault: readonly string[]): readonly string[] {
  return __ENV[name]?.split(',') ?? byDefault;
}

export function integers(name: string, byDefault: readonly number[]): readonly number[] {
  const values = list(name, byDefault.map(String)).map(Number);
  if (values.every((value) => Number.isInteger(value))) return values;
  throw new Error(`${name}=${__ENV[name]}: expected integers, separated by commas`);
}

export function form(byDefault: Form): Form {
  const value = __ENV['FRAMES'] ?? byDefault;
  if (value === 'binary' || value === 'text' || value === 'both') return value;
  throw new Error(`FRAMES=${value}: expected binary, text or both`);
}
