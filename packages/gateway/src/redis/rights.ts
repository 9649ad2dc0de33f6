/**
 * What Redis refuses this node's user. Each command is said once, however many frames it concerns; and a node that may
 * not do its work takes nobody.
 */
import { type Log } from '../log.ts';
import { answerIn } from './redirections.ts';

/** Commands, and what was answered to them. */
export type Refusals = ReadonlyMap<string, string>;

export class Rights {
  readonly #log: Log;
  #refused = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Why this node can do its work in part only; `undefined` when nothing is refused. */
  get trouble(): string | undefined {
    return this.#refused.size > 0 ? `redis refuses ${[...this.#refused.keys()].join(', ')}` : undefined;
  }

  /** True when this is an answer to who may not. @param command when the answer does not name it */
  note(error: unknown, command = commandOf(error)): boolean {
    if (!isRefusal(error)) return false;
    const isKnown = this.#refused.has(command) || (this.#refused.size > 0 && isNameless(error));
    if (!isKnown) {
      const reason = textOf(error);
      this.#refused.set(command, reason);
      this.#log.error({ command, reason }, 'redis refuses a command');
    }
    return true;
  }

  /** Everything was tried: what is not among these is refused no more. */
  found(refused: Refusals): void {
    for (const [command, reason] of refused) this.note(reason, command);
    const before = this.#refused.size;
    for (const command of this.#refused.keys()) if (!refused.has(command)) this.#refused.delete(command);
    if (before > 0 && this.#refused.size === 0) this.#log.info({}, 'redis refuses nothing any more');
  }
}

/** By itself, or in a script: measured with Redis 7.0 and 8.0. */
export function isRefusal(error: unknown): boolean {
  return /^(NOPERM|ERR ACL failure in script)\b/.test(textOf(error)) || isNameless(error);
}

/** Redis 7.0 does not say which command of a script it was. */
function isNameless(error: unknown): boolean {
  return textOf(error).startsWith("ERR The user executing the script can't");
}

/** As Redis writes it in its rules, where it names the command; else as it was sent. */
export function commandOf(error: unknown): string {
  const [, named] = /the '([\w|]+)' command/.exec(textOf(error)) ?? [];
  const { command } = (typeof error === 'object' ? error : {}) as { command?: { name?: string } };
  return named ?? command?.name ?? 'a command';
}

/** Without the name that ioredis gives an answer. */
export function textOf(error: unknown): string {
  return answerIn(error).replace(/^(Reply)?Error: /, '');
}
