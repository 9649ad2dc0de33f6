/**
 * How many sockets the system's limit of open files leaves room for. A gateway that runs out of descriptors can accept
 * nobody, and cannot say so either: it is better to refuse in time.
 */

/** Listeners, Redis, HTTP look-ups, sockets that are being refused, and what Node itself has open. */
export const RESERVED_FILES = 200;

/** @param limits as in /proc/self/limits. `undefined` when there is no limit, or it is not said */
export function parseOpenFileLimit(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+) /m.exec(limits) ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** @param openFiles `undefined`: no limit is known. At least 1 */
export function socketsWithin(openFiles: number | undefined): number {
  if (openFiles === undefined) return Infinity;
  return Math.max(1, openFiles - Math.min(RESERVED_FILES, Math.floor(openFiles / 2)));
}
