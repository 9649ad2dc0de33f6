/** Which core the subject runs on and which the load, so that neither takes the other's time. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  /** What to put before a command; empty where processes cannot be pinned. */
  readonly server: readonly string[];
  readonly load: readonly string[];
  readonly description: string;
}

export function chooseCores(): Cores {
  const [first, second] = allowedCores();
  if (first === undefined || second === undefined) return unpinned('there is only one core');
  if (spawnSync('taskset', ['--version']).status !== 0) return unpinned('there is no taskset');
  return {
    server: ['taskset', '-c', String(first)],
    load: ['taskset', '-c', String(second)],
    description: `server on core ${first}, load on core ${second}`,
  };
}

function unpinned(why: string): Cores {
  return { server: [], load: [], description: `not pinned, since ${why}: results will vary` };
}

/** From a list like `0-3,8`. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'latin1');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
