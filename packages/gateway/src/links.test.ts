/** Two nodes over a backplane that loses: lossless or closed, and whole again for who comes back. */
import { beforeEach, expect, test } from '@jest/globals';
import { CLOSE, type RoomCode } from '@wmbp/protocol';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { type FakeSocket, settled } from '../test/fakes.ts';
import { GatedStore } from '../test/gated-store.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { type HostSession } from './session.ts';

/** Loses envelopes, says so or not, while told to. */
class LossyBackplane extends MemoryBackplane {
  mode: 'whole' | 'silent' | 'told' | 'failing' = 'whole';

  override publish(channel: string, envelope: Uint8Array): Promise<number> {
    switch (this.mode) {
      case 'whole':
        return super.publish(channel, envelope);
      case 'silent':
        return Promise.resolve(1);
      case 'told':
        return Promise.resolve(0);
      case 'failing':
        return Promise.reject(new Error('out of reach'));
    }
  }
}

let store: GatedStore;
let hostsLine: LossyBackplane;
let playersLine: LossyBackplane;
let hosts: CoreNode;
let players: CoreNode;
let host: HostSession;
let socket: FakeSocket;
let code: RoomCode;
beforeEach(async () => {
  store = new GatedStore();
  hostsLine = new LossyBackplane();
  playersLine = new LossyBackplane(hostsLine);
  hosts = new CoreNode(1, store, hostsLine);
  players = new CoreNode(2, store, playersLine);
  ({ host, socket, code } = await hosts.host(9));
});

async function joined(): Promise<Awaited<ReturnType<CoreNode['player']>>> {
  const player = await players.player(code);
  await settled();
  return player;
}

/** What the transport does when a socket that was closed is gone. */
async function gone(...left: { session: Parameters<typeof players.rooms.leave>[0] }[]): Promise<void> {
  for (const { session } of left) players.rooms.leave(session);
  await settled();
}

async function sendToAll(text: string): Promise<void> {
  hosts.relay.toPlayers(host, 'all', Buffer.from(text), false);
  await settled();
}

/** A player that comes after the trouble is heard and reached. */
async function expectWhole(): Promise<void> {
  socket.frames.length = 0;
  const player = await joined();
  const id = player.session.player;
  players.send(player.session, 'hello');
  await sendToAll('welcome');
  expect(heardBy(socket)).toEqual([`joined ${id}`, `state ${id}`, `${id}: hello`]);
  expect(player.socket.texts).toEqual(['welcome']);
  expect(player.socket.isOpen).toBe(true);
}

test.each(['told', 'failing'] as const)(
  'what a player’s node could not send (%s) closes its players; their host is told',
  async (mode) => {
    const two = [await joined(), await joined()] as const;
    playersLine.mode = mode;
    players.send(two[0].session, 'lost');
    await settled();
    playersLine.mode = 'whole';
    expect(two.map((each) => each.socket.closedWith)).toEqual([CLOSE.linkLost, CLOSE.linkLost]);
    await gone(...two);
    expect(heardBy(socket).slice(-4)).toEqual(['left 1', 'state 2', 'left 2', 'state ']);
    await expectWhole();
  },
);

test('a silent player whose host could not reach it is told when the way is back', async () => {
  const silent = await joined();
  hostsLine.mode = 'failing';
  await sendToAll('lost');
  expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
  hosts.rooms.tellCutsAgain();
  await settled();
  expect(silent.socket.isOpen).toBe(true);
  hostsLine.mode = 'whole';
  hosts.rooms.tellCutsAgain();
  await settled();
  expect(silent.socket.closedWith).toBe(CLOSE.linkLost);
  await gone(silent);
  hosts.rooms.tellCutsAgain();
  await expectWhole();
});

test('a host whose last player left while its node was out of reach is told when the way is back', async () => {
  const leaver = await joined();
  playersLine.mode = 'failing';
  await gone(leaver);
  expect(heardBy(socket).slice(-2)).toEqual(['joined 1', 'state 1']);
  playersLine.mode = 'whole';
  players.rooms.tellCutsAgain();
  await settled();
  expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
  players.rooms.tellCutsAgain();
  await expectWhole();
});

test('what got lost silently on the way to the host closes the players as soon as it shows', async () => {
  const two = [await joined(), await joined()] as const;
  playersLine.mode = 'silent';
  players.send(two[0].session, 'lost');
  await settled();
  playersLine.mode = 'whole';
  socket.frames.length = 0;
  players.send(two[1].session, 'behind the gap');
  await settled();
  expect(heardBy(socket)).toEqual(['left 1', 'state 2', 'left 2', 'state ']);
  expect(two.map((each) => each.socket.closedWith)).toEqual([CLOSE.linkLost, CLOSE.linkLost]);
  await gone(...two);
  await expectWhole();
});

test('a player whose joining got lost is closed with the others, and its seat is free', async () => {
  const first = await joined();
  playersLine.mode = 'silent';
  const unheard = await joined();
  playersLine.mode = 'whole';
  players.send(first.session, 'behind the gap');
  await settled();
  expect(unheard.socket.closedWith).toBe(CLOSE.linkLost);
  await gone(first, unheard);
  for (let i = 0; i < 9; i += 1) expect(await store.join(code, players.id)).toMatchObject({ ok: true });
});

test('a player that joins while the others are cut off is whole', async () => {
  const first = await joined();
  playersLine.mode = 'silent';
  players.send(first.session, 'lost');
  await settled();
  playersLine.mode = 'whole';
  players.send(first.session, 'behind the gap');
  await settled();
  const second = await joined();
  await gone(first);
  socket.frames.length = 0;
  players.send(second.session, 'hello');
  await sendToAll('welcome');
  expect(heardBy(socket)).toEqual(['2: hello']);
  expect(second.socket.texts).toEqual(['welcome']);
});

test.each(['told', 'failing'] as const)(
  'what a host’s node could not send (%s) closes the players there',
  async (mode) => {
    const player = await joined();
    hostsLine.mode = mode;
    await sendToAll('lost');
    expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
    hostsLine.mode = 'whole';
    players.send(player.session, 'is anybody there');
    await settled();
    expect(player.socket.closedWith).toBe(CLOSE.linkLost);
    expect(heardBy(socket).at(-1)).toBe('state ');
    await gone(player);
    await expectWhole();
  },
);

test('what got lost silently on the way to the players closes them as soon as it shows', async () => {
  const player = await joined();
  await sendToAll('a');
  hostsLine.mode = 'silent';
  await sendToAll('lost');
  hostsLine.mode = 'whole';
  await sendToAll('behind the gap');
  expect(player.socket.texts).toEqual(['a']);
  expect(player.socket.closedWith).toBe(CLOSE.linkLost);
  expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
  await gone(player);
  await expectWhole();
});

test('a trouble of one node costs players elsewhere nothing', async () => {
  const here = await hosts.player(code);
  await joined();
  playersLine.mode = 'told';
  await joined();
  expect(here.socket.isOpen).toBe(true);
  await sendToAll('still here');
  expect(here.socket.texts).toEqual(['still here']);
});

test('who was admitted while the room ended is told that it is over', async () => {
  const here = await hosts.player(code);
  await joined();
  store.shut();
  const joining = players.player(code);
  await settled();
  hosts.rooms.close(host, 'roomOver');
  store.open();
  const late = await joining;
  expect(late.socket.isOpen).toBe(true);
  await settled();
  expect(late.socket.closedWith?.code).toBe(1001);
  expect(here.socket.closedWith).toBe(CLOSE.roomOver);
});

test('who was the first of its node and admitted while the room ended is told so too', async () => {
  store.shut();
  const joining = players.player(code);
  await settled();
  hosts.rooms.close(host, 'roomOver');
  store.open();
  const late = await joining;
  await settled();
  expect(late.socket.closedWith?.code).toBe(1001);
  await gone(late);
  expect(players.hub.room(code)).toBeUndefined();
});

test('what a player sent before it left is heard though its host sends on', async () => {
  const player = await joined();
  hosts.relay.toPlayers(host, 'all', Buffer.from('crossing'), false);
  players.send(player.session, 'last');
  players.rooms.leave(player.session);
  await settled();
  expect(heardBy(socket)).toEqual(['joined 1', 'state 1', '1: last', 'left 1', 'state ']);
});
