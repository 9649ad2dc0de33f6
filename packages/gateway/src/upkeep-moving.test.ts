/** What upkeep makes of a store that answers of some rooms only, or of none. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type RoomCode } from '@wmbp/protocol';
import { CoreNode } from '../test/core-node.ts';
import { FakeBackplane } from '../test/fakes.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { type AssertedRoom, type RoomAssertion } from './room-store.ts';
import { type Room } from './session.ts';
import { RoomMoving, Unavailable } from './unavailable.ts';

/** More than are settled at once. */
const ROOMS = 70;

class MovingStore extends MemoryRoomStore {
  readonly asserted = new Set<RoomCode>();
  readonly ended = new Set<RoomCode>();
  failure: Error | undefined;
  fails: (code: RoomCode) => boolean = () => true;

  override async assertRoom(room: RoomAssertion, mayRestore: boolean): Promise<AssertedRoom> {
    if (this.failure && this.fails(room.code)) throw this.failure;
    this.asserted.add(room.code);
    return super.assertRoom(room, mayRestore);
  }

  override async close(...room: Parameters<MemoryRoomStore['close']>): Promise<boolean> {
    if (this.failure && this.fails(room[0])) throw this.failure;
    this.ended.add(room[0]);
    return super.close(...room);
  }
}

let store: MovingStore;
let node: CoreNode;
let codes: RoomCode[];
let nowMs = 0;

beforeEach(async () => {
  store = new MovingStore();
  const backplane = new FakeBackplane();
  backplane.subscribe = () => Promise.resolve();
  node = new CoreNode(1, store, backplane);
  codes = [];
  for (let i = 0; i < ROOMS; i += 1) codes.push((await node.host(8)).code);
  await tick();
});
afterEach(() => node.close());

function tick(): Promise<void> {
  nowMs += 4000;
  return node.upkeep.tick(nowMs);
}

test('a room that is being moved waits, and neither the others nor the node with it', async () => {
  const [moving] = codes as [RoomCode];
  store.failure = new RoomMoving('TRYAGAIN');
  store.fails = (code) => code === moving;
  for (const code of codes) node.doubts.about(code, 1);
  await tick();
  expect(node.upkeep.trouble).toBeUndefined();
  expect([...store.asserted].toSorted()).toEqual(codes.slice(1).toSorted());

  store.failure = undefined;
  await tick();
  expect(store.asserted).toContain(moving);
  expect(node.doubts.size).toBe(0);
  expect(node.log.errors).toEqual([]);
});

test('the end of a room that is being moved is said again until it is heard', async () => {
  const [moving, other] = codes as [RoomCode, RoomCode];
  store.failure = new RoomMoving('ASK');
  store.fails = (code) => code === moving;
  for (const code of [moving, other]) node.doubts.aboutEnd(code, (node.hub.room(code) as Room).epoch);
  for (let i = 0; i < 5; i += 1) await tick();
  expect(node.upkeep.trouble).toBeUndefined();
  expect([...store.ended]).toEqual([other]);

  store.failure = undefined;
  for (let i = 0; i < 2; i += 1) await tick();
  expect(store.ended).toContain(moving);
  expect(node.doubts.size).toBe(0);
});

test('a store that is out of reach is trouble of the node, and all rooms are asserted when it is back', async () => {
  store.failure = new Unavailable('gone');
  node.doubts.about(codes[0] as RoomCode);
  await tick();
  expect(node.upkeep.trouble).toMatch('lease');

  store.failure = undefined;
  await tick();
  expect(node.upkeep.trouble).toBeUndefined();
  expect(store.asserted.size).toBe(ROOMS);
});
