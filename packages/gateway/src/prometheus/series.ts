/** Series whose values are read when Prometheus asks, so that counting costs nothing. */
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Reading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Read = () => readonly Reading[];

export function gauge(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: Read,
): void {
  const collected = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect: () => {
      for (const { labels, value } of read()) collected.set(labels, value);
    },
  });
}

/** @param read values that only grow */
export function counter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  read: Read,
): void {
  const collected = new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect: () => {
      collected.reset();
      for (const { labels, value } of read()) collected.inc(labels, value);
    },
  });
}

export function one(value: number): readonly Reading[] {
  return [{ labels: {}, value }];
}
