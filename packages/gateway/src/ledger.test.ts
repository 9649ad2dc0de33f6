/** What a join makes of the store's answers. */
import { expect, test } from '@jest/globals';
import { playerId, roomCodeOf } from '@wmbp/protocol';
import { FakeLog } from '../test/fakes.ts';
import { Doubts } from './doubts.ts';
import { Ledger } from './ledger.ts';
import { MemoryLeases } from './memory/leases.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { drawEpoch, drawNodeId } from './names.ts';
import { Neighbours } from './neighbours.ts';
import { type JoinResult } from './room-store.ts';

const NODE = drawNodeId();
const CODE = roomCodeOf(7);

/** A store that tells the test of each refusal. */
class RefusingStore extends MemoryRoomStore {
  refusals = 0;
  onRefusal: () => void = () => undefined;

  override async join(...seat: Parameters<MemoryRoomStore['join']>): Promise<JoinResult> {
    const result = await super.join(...seat);
    if (!result.ok) {
      this.refusals += 1;
      this.onRefusal();
    }
    return result;
  }
}

/** A room of one seat, which is taken. */
async function fullRoom() {
  const store = new RefusingStore();
  const leases = new MemoryLeases(NODE);
  const ledger = new Ledger(NODE, store, new Neighbours(leases), new Doubts(), new FakeLog());
  const epoch = drawEpoch();
  await store.create({ code: CODE, epoch, name: '', maxPlayers: 1, hostNode: NODE });
  await store.join(CODE, NODE);
  return { store, ledger, epoch };
}

test('a seat given back just after a room was found full is taken by who found it full', async () => {
  const { store, ledger, epoch } = await fullRoom();
  store.onRefusal = () => void store.leave(CODE, epoch, playerId(1));
  expect(await ledger.join(CODE)).toMatchObject({ ok: true, player: 2 });
});

test('a seat given back a little later still is', async () => {
  const { store, ledger, epoch } = await fullRoom();
  store.onRefusal = () => {
    if (store.refusals === 2) void store.leave(CODE, epoch, playerId(1));
  };
  expect(await ledger.join(CODE)).toMatchObject({ ok: true, player: 2 });
});

test('a room that stays full refuses', async () => {
  const { store, ledger } = await fullRoom();
  expect(await ledger.join(CODE)).toEqual({ ok: false, why: 'roomFull' });
  expect(store.refusals).toBe(3);
});

test('a room that is not there, or has started, is not asked again', async () => {
  const { store, ledger, epoch } = await fullRoom();
  await store.lock(CODE, epoch);
  expect(await ledger.join(CODE)).toEqual({ ok: false, why: 'roomStarted' });
  expect(await ledger.join(roomCodeOf(8))).toEqual({ ok: false, why: 'roomNotFound' });
  expect(store.refusals).toBe(2);
});
