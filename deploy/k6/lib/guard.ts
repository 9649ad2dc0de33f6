/** Exceptions are counted: k6 ends the iteration and passes the run. */
import { counts } from './metrics.ts';

export function guarded<Args extends unknown[]>(act: (...args: Args) => void): (...args: Args) => void {
  return (...args) => {
    try {
      act(...args);
    } catch (error) {
      countException(error);
    }
  };
}

export function countException(error: unknown): void {
  counts.exceptions.add(1);
  console.error(error instanceof Error ? `${error.message}\n${error.stack}` : String(error));
}
