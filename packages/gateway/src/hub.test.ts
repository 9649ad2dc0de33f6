/** The hub counts and finds the sessions that are here. */
import { beforeEach, expect, test } from '@jest/globals';
import { parseRoomCode, playerId, type RoomCode } from '@wmbp/protocol';
import { FakeSocket } from '../test/fakes.ts';
import { Hub } from './hub.ts';
import { type Epoch, type NodeId } from './names.ts';

const CODE = parseRoomCode('ABCD') as RoomCode;
const EPOCH = 1 as Epoch;
const NODE = 7 as NodeId;

let hub: Hub;
beforeEach(() => {
  hub = new Hub();
});

function counts(): [rooms: number, hosts: number, players: number] {
  return [[...hub.rooms].length, hub.hostCount, hub.playerCount];
}

test('a room is opened once for its epoch, and replaced by the next', () => {
  const room = hub.open(CODE, EPOCH, NODE);
  expect(hub.open(CODE, EPOCH, NODE)).toBe(room);
  const next = hub.open(CODE, 2 as Epoch, NODE);
  expect(next).not.toBe(room);
  expect(hub.room(CODE)).toBe(next);
});

test('hosts and players are counted while they are here', () => {
  const room = hub.open(CODE, EPOCH, NODE);
  hub.addHost(room, new FakeSocket(), 'quiz', 8, 0);
  const player = hub.addPlayer(room, playerId(1), new FakeSocket());
  hub.addPlayer(room, playerId(2), new FakeSocket());
  expect(counts()).toEqual([1, 1, 2]);
  expect(hub.removePlayer(player)).toBe(true);
  expect(counts()).toEqual([1, 1, 1]);
  expect(hub.removeRoom(room).map((session) => session.player)).toEqual([2]);
  expect(counts()).toEqual([0, 0, 0]);
  expect(room.host).toBeUndefined();
});

test('a player is removed once, also when its room went first', () => {
  const room = hub.open(CODE, EPOCH, NODE);
  const player = hub.addPlayer(room, playerId(1), new FakeSocket());
  hub.removeRoom(room);
  expect(hub.removePlayer(player)).toBe(false);
  expect(hub.removeRoom(room)).toEqual([]);
  expect(counts()).toEqual([0, 0, 0]);
});

test('the last player takes a room along whose host is elsewhere, and no other', () => {
  const away = hub.open(CODE, EPOCH, NODE);
  const players = [1, 2].map((id) => hub.addPlayer(away, playerId(id), new FakeSocket()));
  for (const player of players) {
    expect(hub.room(CODE)).toBe(away);
    hub.removePlayer(player);
  }
  expect(hub.room(CODE)).toBeUndefined();
  const here = hub.open(CODE, EPOCH, NODE);
  hub.addHost(here, new FakeSocket(), '', 1, 0);
  hub.removePlayer(hub.addPlayer(here, playerId(1), new FakeSocket()));
  expect(hub.room(CODE)).toBe(here);
});

test('what is left of a replaced room does not touch the one that has its code now', () => {
  const old = hub.open(CODE, EPOCH, NODE);
  const player = hub.addPlayer(old, playerId(1), new FakeSocket());
  const next = hub.open(CODE, 2 as Epoch, NODE);
  hub.removePlayer(player);
  hub.removeRoom(old);
  expect(hub.room(CODE)).toBe(next);
});
