/** PORT: where a node writes what happened; and the one way to start work nobody waits for. */

export interface Log {
  debug(fields: object, event: string): void;
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

/** Work nobody waits for. Its failure is logged as `event`, with `fields`, and goes no further. */
export function detach(work: Promise<unknown>, log: Log, fields: object, event: string): void {
  work.catch((error: unknown) => log.error({ ...fields, error }, event));
}
