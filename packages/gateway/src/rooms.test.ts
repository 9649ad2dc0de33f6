/** What is true of a room whatever others say: who is in it, who has left, which of two under one code it is. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, type RoomCode } from '@wmbp/protocol';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { FakeSocket, settled } from '../test/fakes.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { drawEpoch, type NodeId } from './names.ts';
import { type NewRoom } from './room-store.ts';
import { type Room } from './session.ts';
import { RoomMoving } from './unavailable.ts';

const ELSEWHERE = 99 as NodeId;
const CODE = 'ABCD' as RoomCode;

/** A room whose host is on another node. */
function roomElsewhere(code = CODE): NewRoom {
  return { code, epoch: drawEpoch(), name: '', maxPlayers: 3, hostNode: ELSEWHERE };
}

let store: MemoryRoomStore;
let node: CoreNode;
beforeEach(() => {
  store = new MemoryRoomStore();
  node = new CoreNode(1, store, new MemoryBackplane());
});
afterEach(() => node.close());

test('a code that is in use here is not given to another room, though the store calls it free', async () => {
  const { host, socket } = await node.host(1);
  const inUse = new Set<RoomCode>();
  const roomOf = node.hub.room.bind(node.hub);
  // Codes are drawn at random: the first ones, whichever they are, are those of a room that is here.
  node.hub.room = (code): Room | undefined => {
    if (inUse.size < 5) inUse.add(code);
    return inUse.has(code) ? host.room : roomOf(code);
  };
  const { code } = await node.host(1);
  expect(inUse.size).toBe(5);
  expect(inUse).not.toContain(code);
  expect(socket.isOpen).toBe(true);
});

describe('where the room of a code would lie is just being moved', () => {
  const asked: RoomCode[] = [];
  const movingUntil = (times: number): void => {
    asked.length = 0;
    const create = store.create.bind(store);
    store.create = (room) => {
      asked.push(room.code);
      return asked.length > times ? create(room) : Promise.reject(new RoomMoving('TRYAGAIN'));
    };
  };

  test('another code is drawn, and nothing of the first is left', async () => {
    movingUntil(2);
    const { code } = await node.host(1);
    expect(asked).toHaveLength(3);
    expect(asked.slice(0, 2)).not.toContain(code);
    expect(node.hub.hostCount).toBe(1);
  });

  test('and of others too: the host is refused, soon', async () => {
    movingUntil(Infinity);
    await expect(node.rooms.create(new FakeSocket(), '', 1)).rejects.toBeInstanceOf(RoomMoving);
    expect(asked).toHaveLength(3);
    expect(node.hub.hostCount).toBe(0);
  });
});

test('nobody joins another room past the one that is here under the same code, and no seat is kept', async () => {
  const { host, socket, code } = await node.host(3);
  await store.close(code, host.room.epoch);
  const younger = roomElsewhere(code);
  await store.create(younger);
  expect(await node.rooms.join(code, new FakeSocket())).toEqual({ ok: false, why: 'roomNotFound' });
  await settled();
  expect(await store.seatedNodes(code)).toEqual({ epoch: younger.epoch, nodes: [] });
  expect(socket.isOpen).toBe(true);
});

test('a room joined anew under a code ends what is left of the last one here', async () => {
  await store.create(roomElsewhere());
  const before = await node.player(CODE);
  await store.close(CODE, before.session.room.epoch);
  await store.create(roomElsewhere());
  const after = await node.player(CODE);
  expect([before.socket.isOpen, after.socket.isOpen]).toEqual([false, true]);
  expect(after.session.player).toBe(1);
});

test('a player that is said to have left several times, by whoever noticed, has left once', async () => {
  const { host, socket } = await node.host(3);
  const player = playerId(7);
  node.rooms.onJoined(host, player, ELSEWHERE, undefined);
  node.rooms.onNodeGone(host.room, ELSEWHERE);
  node.rooms.onLeft(host, player);
  node.rooms.onLinkLost(host.room, ELSEWHERE);
  await settled();
  expect(heardBy(socket)).toEqual(['joined 7', 'state 7', 'left 7', 'state ']);
});
