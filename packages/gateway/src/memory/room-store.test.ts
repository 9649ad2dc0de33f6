/** The store in memory keeps the port's contract; its nodes are in one process and share it. */
import { roomStoreContract } from '../room-store.contract.ts';
import { MemoryRoomStore } from './room-store.ts';

roomStoreContract(() => {
  const store = new MemoryRoomStore();
  return Promise.resolve({ first: store, second: store, close: () => Promise.resolve() });
});
