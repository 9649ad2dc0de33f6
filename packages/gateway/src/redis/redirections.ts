/**
 * What a Redis Cluster answers while a slot is on its way from one server to another. Nothing has been done then, and
 * what was asked can be asked again in a moment.
 *
 * While its keys are moved a script that names several is refused (TRYAGAIN), since they may be on two servers or are
 * yet to be written. ASK sends to the other server for once; Redis 8 answers it to SUNSUBSCRIBE too, which can only
 * be said where the subscription is. MOVED comes from who has given the slot away, to whoever has not heard.
 */
import { setTimeout as wait } from 'node:timers/promises';

/** A slot with the keys of some dozen rooms is moved in less. Thousands may wait, so they ask less and less often. */
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 400;
/** What ioredis says of an answer that it does not follow, or not any more. */
const NOT_FOLLOWED = 'Error: Too many Cluster redirections. Last error: ';

/** The words of Redis, or of ioredis where Redis said nothing. */
export function answerIn(error: unknown): string {
  const text = String(error);
  return text.startsWith(NOT_FOLLOWED) ? text.slice(NOT_FOLLOWED.length) : text;
}

/** Whether this will be otherwise as soon as a slot has arrived, or everybody has heard where it is. */
export function isMoving(error: unknown): boolean {
  return /^ReplyError: (?:MOVED|ASK|TRYAGAIN) /.test(answerIn(error));
}

/** Whether nobody has the slot for now. */
export function isNobodys(error: unknown): boolean {
  return answerIn(error).startsWith('ReplyError: CLUSTERDOWN ');
}

export function isOnItsWay(error: unknown): boolean {
  return isMoving(error) || isNobodys(error);
}

/** Whether Redis will say the same whenever it is asked. */
export function isFinal(error: unknown): boolean {
  return answerIn(error).startsWith('ReplyError: ') && !isOnItsWay(error);
}

/**
 * Does `work` until it succeeds. It is not begun again once `patienceMs` are over, nor after an error of which
 * `mayPass` says that it will not; rejects as the last time.
 */
export async function untilPassed<T>(
  work: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
  patienceMs: number,
  clock: Clock = REAL,
): Promise<T> {
  const untilMs = clock.nowMs() + patienceMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || clock.nowMs() + pauseMs > untilMs) throw error;
    }
    await clock.wait(pauseMs);
  }
}

export interface Clock {
  nowMs(): number;
  wait(ms: number): Promise<unknown>;
}

const REAL: Clock = { nowMs: () => performance.now(), wait: (ms) => wait(ms) };
