/** What a process has cost so far, from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

export interface CpuTime {
  /** Spent by all its threads. Finer than /proc/<pid>/stat, whose unit is 10 ms. */
  readonly usedMs: number;
  /** Its main thread was ready to run, and something else ran on its core. */
  readonly waitedMs: number;
}

function cpuTime(pid: number): CpuTime {
  let usedMs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) usedMs += schedStat(`${pid}/task/${thread}`)[0];
  return { usedMs, waitedMs: schedStat(String(pid))[1] };
}

/** Answers whether each process has used so much CPU time since this call. */
export function warmedUp(pids: readonly number[], cpuMs: number): () => boolean {
  const due = pids.map((pid) => ({ pid, usedMs: cpuTime(pid).usedMs + cpuMs }));
  return () => due.every(({ pid, usedMs }) => cpuTime(pid).usedMs >= usedMs);
}

/** Whether its main thread wants to run, whether or not it does. */
export function isRunnable(pid: number): boolean {
  return /\) R /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** Of several processes together. */
export function cpuTimeOf(pids: readonly number[]): CpuTime {
  const times = pids.map(cpuTime);
  return {
    usedMs: times.reduce((sum, { usedMs }) => sum + usedMs, 0),
    waitedMs: times.reduce((sum, { waitedMs }) => sum + waitedMs, 0),
  };
}

function schedStat(process: string): [usedMs: number, waitedMs: number] {
  const [used, waited] = readFileSync(`/proc/${process}/schedstat`, 'latin1').split(' ');
  return [Number(used) / 1e6, Number(waited) / 1e6];
}

export function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES;
}
