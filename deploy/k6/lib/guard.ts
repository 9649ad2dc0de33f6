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

/** Something that is no rule of the game: the stack tells where. */
export function countException(error: unknown): void {
  counts.exceptions.add(1);
  console.error(error instanceof Error ? error.stack : String(error));
}

/** Something that had to come and did not. */
export function countMiss(error: unknown): void {
  counts.exceptions.add(1);
  console.error(error instanceof Error ? error.message : String(error));
}
