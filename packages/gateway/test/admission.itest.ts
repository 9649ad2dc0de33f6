/** Who is let in, and what the refused and their host see of it, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { GatedStore } from './gated-store.ts';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, stateOf } from './wire.ts';

const FULL = { code: 4502, reason: 'The room is full.' };
const NOT_FOUND = { code: 4501, reason: 'Room not found.' };
const FLOODING = { code: 1008, reason: 'Too much, too fast.' };
const NOT_A_ROOM = { code: 4500, reason: 'The path is neither /CREATE nor a room code.' };
const MAX_HELD_FRAMES = 256;

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('a code counts in either case', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    await nodes.joined(host, code.toLowerCase());
    await nodes.joined(host, `${code.slice(0, 2)}${code.slice(2).toLowerCase()}`);
  });

  test('a query behind the code changes nothing', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    await nodes.joined(host, `${code}?name=x`);
  });

  test('an unknown code is closed with 4501', async () => {
    nodes = await Nodes.open(count);
    const { code } = await nodes.room(3);
    const unknown = code === 'ABCD' ? 'ABCE' : 'ABCD';
    expect(await (await nodes.player(unknown)).closed()).toEqual(NOT_FOUND);
  });

  test.each(['', 'ABC', 'ABCDE', 'AB1D', 'ABCD/', 'ÄBCD', 'CREATES', '__proto__', 'a/b', '%41BCD'])(
    'the path /%s is closed with 4500',
    async (path) => {
      nodes = await Nodes.open(count);
      expect(await (await nodes.player(path)).closed()).toEqual(NOT_A_ROOM);
    },
  );

  test('a full room says so; accept_conns told its host before', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1, 'duel');
    await nodes.player(code);
    await host.expect('player_joined');
    expect(await host.nextEvent()).toEqual(stateOf([1], 1, false, 'duel'));
    expect(await (await nodes.player(code)).closed()).toEqual(FULL);
  });

  test('a refused player is invisible to its host, whatever it sent', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
    const refused = await nodes.player(code);
    refused.send('let me in');
    expect(await refused.closed()).toEqual(FULL);
    host.command({ cmd: 'kick', player: playerId(99) });
    expect(await host.nextEvent()).toEqual(stateOf([1], 1, false));
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('a seat that was left is free again, and its id is never given twice', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    for (let id = 1; id <= 5; id += 1) {
      const joined = await nodes.joined(host, code);
      expect(joined.id).toBe(id);
      joined.player.close();
      expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: id });
      expect(await host.nextEvent()).toEqual(stateOf([], 1, true));
    }
  });

  test('the state lists exactly those announced who have not left, by joining', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(5);
    await nodes.joined(host, code);
    const second = await nodes.joined(host, code);
    await nodes.joined(host, code);
    second.player.drop();
    await host.expect('player_left');
    expect(await host.nextEvent()).toEqual(stateOf([1, 3], 5, true));
    await nodes.player(code);
    await host.expect('player_joined');
    expect(await host.nextEvent()).toEqual(stateOf([1, 3, 4], 5, true));
  });

  test('frames sent before admission wait and follow player_joined in order', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const { host, code } = await nodes.room(2);
    store.shut();
    const player = await nodes.player(code);
    for (let i = 0; i < MAX_HELD_FRAMES; i += 1) player.send(i % 2 ? `${i}` : Uint8Array.of(i));
    await arrived(player);
    store.open();
    expect(await host.nextEvent()).toEqual({ cmd: 'player_joined', player: 1 });
    player.send('and one more');
    await host.expect('state');
    for (let i = 0; i < MAX_HELD_FRAMES; i += 1) {
      const event = await host.nextEvent();
      if (i % 2) expect(event).toEqual({ cmd: 'from_str', from: 1, data: `${i}` });
      else expect(event).toMatchObject({ cmd: 'from', from: 1, data: Uint8Array.of(i) });
    }
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'and one more' });
  });

  test('more frames before admission than are held close the player, and its host sees nothing', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const { host, code } = await nodes.room(1);
    store.shut();
    const player = await nodes.player(code);
    for (let i = 0; i <= MAX_HELD_FRAMES; i += 1) player.send('early');
    expect(await player.closed()).toEqual(FLOODING);
    store.open();
    expect((await nodes.joinedSoon(host, code)).id).toBe(2);
  });

  test('more bytes before admission than one frame may have close the player', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, { WMBP_MAX_FRAME_BYTES: '4096' }, store);
    const { code } = await nodes.room(1);
    store.shut();
    const player = await nodes.player(code);
    player.send(new Uint8Array(4096));
    player.send('x');
    expect(await player.closed()).toEqual(FLOODING);
    store.open();
  });

  test('a player that goes before it is admitted is never announced, and its seat is free', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const { host, code } = await nodes.room(2);
    store.shut();
    const player = await nodes.player(code);
    player.send('early');
    await arrived(player);
    player.close();
    await player.closed();
    store.open();
    // It may have gone before it asked for a seat at all.
    const { id } = await nodes.joinedSoon(host, code);
    expect([1, 2]).toContain(id);
    expect((await nodes.joinedSoon(host, code)).id).toBe(id + 1);
  });

  test('a player admitted while its room ends is closed', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const { host, code } = await nodes.room(1);
    store.shut();
    const player = await nodes.player(code);
    await arrived(player);
    host.command({ cmd: 'stop' });
    await host.closed();
    store.open();
    const { code: why } = await player.closed();
    expect([1001, 1013, 4501]).toContain(why);
    expect(nodes.failures).toEqual([]);
  });
});
