/** Time within a run, finer than a millisecond, the same for all peers: they live in one process. */
import exec from 'k6/execution';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'k6/timers';
import { guarded } from './guard.ts';

let instance: typeof exec.instance | undefined;

export function nowMs(): number {
  instance ??= exec.instance;
  return instance.currentTestRunDuration;
}

export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Does it so many times a second, from a random moment on, and makes up for ticks that came late.
 * @returns what stops it
 */
export function atPace(perSecond: number, act: () => void): () => void {
  if (perSecond <= 0) return () => undefined;
  const everyMs = 1000 / perSecond;
  const startedAtMs = nowMs() + Math.random() * everyMs;
  let done = 0;
  const timer = setInterval(
    guarded(() => {
      const due = Math.floor((nowMs() - startedAtMs) / everyMs) + 1;
      for (; done < due; done += 1) act();
    }),
    Math.max(1, Math.min(everyMs, 100)),
  );
  return () => clearInterval(timer);
}

/** A promise that others settle, with a deadline. */
export class Awaited<T> {
  readonly promise: Promise<T>;
  settle: (value: T) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  constructor(what: string, deadlineMs: number) {
    this.promise = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`)),
        deadlineMs,
      );
      this.settle = (value) => {
        clearTimeout(timer);
        resolve(value);
      };
      this.fail = (error) => {
        clearTimeout(timer);
        reject(error);
      };
    });
    // Who awaits it sees the failure; nobody may, when another one came first.
    this.promise.catch(() => undefined);
  }
}

/** Looks again and again. @returns whether it came true in time */
export async function cameTrue(isSo: () => boolean, deadlineMs: number): Promise<boolean> {
  const untilMs = nowMs() + deadlineMs;
  while (!isSo()) {
    if (nowMs() > untilMs) return false;
    await lasting(20);
  }
  return true;
}
