/** One subscription a room, kept while somebody uses it. */
import { beforeEach, expect, test } from '@jest/globals';
import { parseRoomCode, type RoomCode } from '@wmbp/protocol';
import { FakeBackplane, FakeLog, settled } from '../test/fakes.ts';
import { type NodeId } from './names.ts';
import { channelOf } from './channels.ts';
import { Subscriptions } from './subscriptions.ts';

const ROOM = parseRoomCode('ABCD') as RoomCode;
const CHANNEL = channelOf(ROOM, 7 as NodeId);
const SUBSCRIBE = `subscribe ${CHANNEL}`;
const UNSUBSCRIBE = `unsubscribe ${CHANNEL}`;

let backplane: FakeBackplane;
let log: FakeLog;
let heard: string[];
let subscriptions: Subscriptions;
beforeEach(() => {
  backplane = new FakeBackplane();
  log = new FakeLog();
  heard = [];
  const onEnvelope = (room: RoomCode, envelope: Uint8Array): void =>
    void heard.push(`${room} ${envelope.length}`);
  subscriptions = new Subscriptions(backplane, 7 as NodeId, onEnvelope, log);
});

test('hear resolves when the channel is heard, and names the room of each envelope', async () => {
  let isHeard = false;
  const hearing = subscriptions.hear(ROOM).then(() => (isHeard = true));
  await settled();
  expect(isHeard).toBe(false);
  await backplane.succeed();
  await hearing;
  backplane.hear(new Uint8Array(3));
  expect(heard).toEqual(['ABCD 3']);
});

test('all uses share one subscription, which the last one ends', async () => {
  const hearing = [subscriptions.hear(ROOM), subscriptions.hear(ROOM), subscriptions.hear(ROOM)];
  await backplane.succeed();
  await Promise.all(hearing);
  subscriptions.release(ROOM);
  subscriptions.release(ROOM);
  expect(backplane.calls).toEqual([SUBSCRIBE]);
  subscriptions.release(ROOM);
  expect(backplane.calls).toEqual([SUBSCRIBE, UNSUBSCRIBE]);
});

test('who hears again after the end subscribes anew', async () => {
  const first = subscriptions.hear(ROOM);
  await backplane.succeed();
  await first;
  subscriptions.release(ROOM);
  const second = subscriptions.hear(ROOM);
  expect(backplane.calls).toEqual([SUBSCRIBE, UNSUBSCRIBE, SUBSCRIBE]);
  await backplane.succeed();
  await backplane.succeed();
  await second;
});

test('when subscribing fails everybody who waits is told, and the next one tries again', async () => {
  const hearing = Promise.allSettled([subscriptions.hear(ROOM), subscriptions.hear(ROOM)]);
  await backplane.fail();
  expect((await hearing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const again = subscriptions.hear(ROOM);
  expect(backplane.calls.filter((call) => call === SUBSCRIBE)).toHaveLength(2);
  await backplane.succeed();
  await backplane.succeed();
  await again;
});

test('a release too many is no error', () => {
  subscriptions.release(ROOM);
  expect(backplane.calls).toEqual([]);
});

test('unsubscribing that fails is logged and goes no further', async () => {
  const hearing = subscriptions.hear(ROOM);
  await backplane.succeed();
  await hearing;
  subscriptions.release(ROOM);
  await backplane.fail();
  expect(log.errors).toEqual(['unsubscribe failed']);
});
