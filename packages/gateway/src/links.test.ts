/** Two nodes over a backplane that loses: everything arrives all the same, or its socket is closed. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CLOSE, playerId, type Addressees, type RoomCode } from '@wmbp/protocol';
import { within } from '@wmbp/testkit';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { FakeSocket, settled } from '../test/fakes.ts';
import { GatedStore } from '../test/gated-store.ts';
import { type OnAnswer } from './backplane.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { type HostSession, type PlayerSession, type Room } from './session.ts';

/** Loses envelopes, says so or not, while told to. */
class LossyBackplane extends MemoryBackplane {
  mode: 'whole' | 'silent' | 'told' | 'failing' = 'whole';

  override publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    switch (this.mode) {
      case 'whole':
        return super.publish(channel, envelope, onAnswer);
      case 'silent':
        return queueMicrotask(() => onAnswer(1));
      case 'told':
        return queueMicrotask(() => onAnswer(0));
      case 'failing':
        return queueMicrotask(() => onAnswer(undefined));
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
afterEach(() => {
  hosts.close();
  players.close();
});

/** What links repair, they repair by the clock. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  const watching = async (): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await within(what, watching());
}

async function joined(): Promise<{ session: PlayerSession; socket: FakeSocket }> {
  const player = await players.player(code);
  await until('the player to be known', () => player.session.isKnown);
  return player;
}

/** What the transport does when a socket is gone. */
async function gone(...left: { session: PlayerSession }[]): Promise<void> {
  for (const { session } of left) players.rooms.leave(session);
  await settled();
}

function sendToAll(text: string): void {
  hosts.relay.toPlayers(host, 'all', Buffer.from(text), false);
}

const LOSSES = ['silent', 'told', 'failing'] as const;

test.each(LOSSES)('what is lost on the way to the host (%s) arrives once the way is whole', async (mode) => {
  const player = await joined();
  playersLine.mode = mode;
  players.send(player.session, 'a');
  await settled();
  players.send(player.session, 'b');
  await settled();
  playersLine.mode = 'whole';
  await until('both frames', () => heardBy(socket).at(-1) === '1: b');
  expect(heardBy(socket)).toEqual(['joined 1', 'state 1', '1: a', '1: b']);
  expect(player.socket.isOpen).toBe(true);
});

test.each(LOSSES)('what is lost on the way to players (%s) arrives once the way is whole', async (mode) => {
  const two = [await joined(), await joined()];
  hostsLine.mode = mode;
  sendToAll('a');
  await settled();
  sendToAll('b');
  await settled();
  hostsLine.mode = 'whole';
  await until('both frames', () => two.every((each) => each.socket.texts.length === 2));
  expect(two.map((each) => each.socket.texts)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
});

test.each(LOSSES)('a player whose joining was lost (%s) is announced once the way is whole', async (mode) => {
  playersLine.mode = mode;
  const player = await players.player(code);
  players.send(player.session, 'first');
  await settled();
  playersLine.mode = 'whole';
  await until('its frame', () => heardBy(socket).at(-1) === '1: first');
  expect(heardBy(socket)).toEqual(['joined 1', 'state 1', '1: first']);
});

test('what is said while the clock is due before the turn ends is looked after all the same', async () => {
  const player = await joined();
  await until('nothing to be unacknowledged', () => hosts.metrics.links.envelopesIn === 2);
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      playersLine.mode = 'silent';
      // Its turn ends behind the timers that are due by then.
      players.send(player.session, 'a');
      const untilMs = performance.now() + 60;
      while (performance.now() < untilMs);
      resolve();
    });
  });
  await settled();
  playersLine.mode = 'whole';
  await until('the frame', () => heardBy(socket).at(-1) === '1: a');
});

test('a leaving that was lost is announced once, though nothing follows it', async () => {
  const player = await joined();
  playersLine.mode = 'silent';
  await gone(player);
  playersLine.mode = 'whole';
  await until('player_left', () => heardBy(socket).includes('left 1'));
  expect(heardBy(socket)).toEqual(['joined 1', 'state 1', 'left 1', 'state ']);
});

test('who comes after the last one has left is heard and reached', async () => {
  for (let id = 1; id <= 3; id += 1) {
    const player = await joined();
    players.send(player.session, 'hello');
    sendToAll('welcome');
    await until('both', () => player.socket.texts.length === 1 && heardBy(socket).includes(`${id}: hello`));
    await gone(player);
    await until('player_left', () => heardBy(socket).includes(`left ${id}`));
    if (id === 2) await until('the links to end', () => players.links.count === 0);
  }
});

test('a frame to everybody is not for a player of whom the host has not been told', async () => {
  const known = await joined();
  playersLine.mode = 'silent';
  const unknown = await players.player(code);
  await settled();
  sendToAll('before');
  await until('the frame', () => known.socket.texts.length === 1);
  playersLine.mode = 'whole';
  await until('the player to be known', () => unknown.session.isKnown);
  sendToAll('after');
  await until('the frame', () => unknown.socket.texts.length > 0);
  expect(unknown.socket.texts).toEqual(['after']);
  expect(known.socket.texts).toEqual(['before', 'after']);
});

test('players of a node that was taken for dead are closed when it speaks; their host hears nothing', async () => {
  const player = await joined();
  hosts.rooms.onNodeGone(host.room, players.id);
  expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
  players.send(player.session, 'still here');
  await until('the close', () => !player.socket.isOpen);
  expect(player.socket.closedWith).toBe(CLOSE.linkLost);
  await gone(player);
  await settled();
  expect(heardBy(socket).slice(-2)).toEqual(['left 1', 'state ']);
  const next = await joined();
  players.send(next.session, 'hello');
  await until('the frame', () => heardBy(socket).at(-1) === '2: hello');
});

test('a link that is given up is one line on each side, however much was under way, and who would miss it is closed', async () => {
  const two = [await joined(), await joined()];
  hostsLine.mode = 'silent';
  for (let i = 0; i < 50; i += 1) {
    sendToAll(`${i}`);
    await settled();
  }
  hosts.rooms.onNodeGone(host.room, players.id);
  hostsLine.mode = 'whole';
  for (const { session } of two) players.send(session, 'still here');
  await until('the closes', () => two.every((each) => !each.socket.isOpen));
  expect(two.map((each) => each.socket.closedWith)).toEqual([CLOSE.linkLost, CLOSE.linkLost]);
  expect(players.log.warnings).toEqual(['link lost']);
  expect(players.metrics.links.lost).toBe(1);
});

test('who is told that its link is gone says of each player that it has left', async () => {
  await joined();
  await joined();
  // What a node answers that has started again, or was told to forget the room.
  players.links.cut([...players.hub.rooms][0] as Room, hosts.id);
  for (const session of [...players.hub.rooms].flatMap((room) => [...room.players.values()])) {
    session.socket.close(CLOSE.linkLost);
  }
  sendToAll('anybody there?');
  await until('both to have left', () => heardBy(socket).includes('left 2'));
  expect(heardBy(socket).slice(-4)).toEqual(['left 1', 'state 2', 'left 2', 'state ']);
  expect(hosts.log.warnings).toEqual(['link lost']);
  expect(hosts.metrics.links.lost).toBe(1);
});

test('a frame that cannot be kept closes exactly the sockets that would miss it', async () => {
  const small = new LossyBackplane(hostsLine);
  const cramped = new CoreNode(3, store, small, 4096);
  const [talker, quiet] = [await cramped.player(code), await cramped.player(code)];
  await until('both to be known', () => talker.session.isKnown && quiet.session.isKnown);
  small.mode = 'failing';
  for (let i = 0; i < 10; i += 1) {
    cramped.send(talker.session, `${i} `.padEnd(1000, '.'));
    await settled();
  }
  expect(talker.socket.closedWith).toBe(CLOSE.linkLost);
  expect(quiet.socket.isOpen).toBe(true);
  cramped.rooms.leave(talker.session);
  small.mode = 'whole';
  cramped.send(quiet.session, 'fine');
  await until('the frame', () => heardBy(socket).at(-1) === '2: fine');
  const fromTalker = heardBy(socket).filter((event) => event.startsWith('1: '));
  expect(fromTalker.map((event) => Number(event.slice(3, 5)))).toEqual(fromTalker.map((_, i) => i));
  expect(heardBy(socket)).toContain('left 1');
  cramped.close();
});

test('what all links of a node keep together is bounded, whichever room it is for', async () => {
  const small = new LossyBackplane(hostsLine);
  const cramped = new CoreNode(3, store, small, 4096);
  const other = await hosts.host(9);
  const talkers = [await cramped.player(code), await cramped.player(other.code)];
  await until('both to be known', () => talkers.every(({ session }) => session.isKnown));
  small.mode = 'failing';
  const isTaken: boolean[] = [];
  for (let i = 0; i < 4; i += 1) {
    const talker = talkers[i % 2] as (typeof talkers)[number];
    cramped.send(talker.session, `${i} `.padEnd(1000, '.'));
    await settled();
    isTaken.push(talker.socket.isOpen);
  }
  // Three of a thousand bytes, with what they cost besides; the fourth would be the second of its room.
  expect(isTaken).toEqual([true, true, true, false]);
  expect(talkers.map(({ socket: each }) => each.isOpen)).toEqual([true, false]);
  cramped.close();
});

test.each<[string, Addressees]>([
  ['everybody', 'all'],
  ['one', [playerId(1)]],
  ['some', [playerId(1), playerId(3)]],
])(
  'players whose host’s node cannot keep a frame to %s for them are closed, others are not',
  async (_, to) => {
    const line = new LossyBackplane(hostsLine);
    const cramped = new CoreNode(3, store, line, 4096);
    const game = await cramped.host(9);
    const away = await players.player(game.code);
    await until('the player to be known', () => away.session.isKnown);
    const elsewhere = await players.player(game.code);
    await until('the player to be known', () => elsewhere.session.isKnown);
    const here = await cramped.player(game.code);
    line.mode = 'failing';
    for (let i = 0; i < 10; i += 1) {
      cramped.relay.toPlayers(game.host, to, Buffer.from(`${i} `.padEnd(1000, '.')), false);
      await settled();
    }
    line.mode = 'whole';
    await until('the close', () => !away.socket.isOpen);
    expect(away.socket.closedWith).toBe(CLOSE.linkLost);
    expect(away.socket.texts.map((text) => Number(text[0]))).toEqual(away.socket.texts.map((_, i) => i));
    expect(here.socket.texts).toHaveLength(to === 'all' || to.includes(here.session.player) ? 10 : 0);
    expect([elsewhere.socket.isOpen, here.socket.isOpen]).toEqual([to !== 'all', true]);
    expect(cramped.metrics.links.overflows).toBeGreaterThan(0);
    cramped.close();
  },
);

test.each([true, false])(
  'who was admitted while the room ended is told (others are there: %s)',
  async (others) => {
    if (others) await joined();
    store.shut();
    const joining = players.player(code);
    await settled();
    hosts.rooms.close(host, 'roomOver');
    store.open();
    const late = await joining;
    await until('the close', () => !late.socket.isOpen);
    expect([CLOSE.linkLost, CLOSE.roomOver]).toContain(late.socket.closedWith);
  },
);

test('a link on which nobody speaks is not looked at by the clock', async () => {
  const { setInterval, clearInterval } = globalThis;
  const running = new Set<unknown>();
  const counted = (...args: Parameters<typeof setInterval>): NodeJS.Timeout => {
    const timer = setInterval(...args);
    running.add(timer);
    return timer;
  };
  globalThis.setInterval = counted as typeof setInterval;
  globalThis.clearInterval = (timer) => {
    running.delete(timer);
    clearInterval(timer);
  };
  try {
    const player = await joined();
    players.send(player.session, 'hello');
    await until('the frame', () => heardBy(socket).at(-1) === '1: hello');
    expect(running.size).toBeGreaterThan(0);
    await until('the clocks of both nodes to be stopped', () => running.size === 0);
    expect([hosts.links.count, players.links.count]).toEqual([1, 1]);
  } finally {
    Object.assign(globalThis, { setInterval, clearInterval });
  }
});

test('a room that is over leaves no link behind, on either side', async () => {
  const player = await joined();
  hosts.rooms.close(host, 'roomOver');
  await until('the close', () => !player.socket.isOpen);
  await gone(player);
  await until('the links to end', () => hosts.links.count + players.links.count === 0);
});
