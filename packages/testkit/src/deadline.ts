/** Waiting on events, never on the clock: a deadline only says when to give up. */

/** Far above what any step takes, on a machine that does something else as well. */
export const DEADLINE_MS = 20_000;

/** @throws {Error} that says what was waited for, when it does not come in time */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
