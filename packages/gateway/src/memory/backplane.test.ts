/** The backplane in memory keeps the port's contract. */
import { backplaneContract } from '../backplane.contract.ts';
import { MemoryBackplane } from './backplane.ts';

backplaneContract(() => {
  const first = new MemoryBackplane();
  return Promise.resolve({ first, second: new MemoryBackplane(first), close: () => Promise.resolve() });
});
