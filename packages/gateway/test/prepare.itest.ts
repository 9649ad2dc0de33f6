/** What a host sees until its room is open, wherever its players will sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { TestHost } from '@wmbp/testkit';
import { GatedStore } from './gated-store.ts';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, map, stateOf, text, integer } from './wire.ts';

const NOT_PREPARED = { cmd: 'error', reason: 'Prepare the room first.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('a host is told an empty state at once, and nothing more', async () => {
    nodes = await Nodes.open(count);
    const host = new TestHost(`ws://127.0.0.1:${nodes.hostPort}/CREATE`);
    expect(await host.nextEvent()).toEqual(stateOf([], 0, false));
    await arrived(host);
    expect(host.waiting).toBe(0);
    host.drop();
  });

  test('prepare is answered by the state, then by prepare_reply', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.command({ cmd: 'prepare', name: 'quiz', max_players: 8 });
    expect(await host.nextEvent()).toEqual(stateOf([], 8, true, 'quiz'));
    expect((await host.expect('prepare_reply')).key).toMatch(/^[A-Z]{4}$/);
  });

  test('prepare needs no name', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.send(
      map([
        ['cmd', text('prepare')],
        ['max_players', integer(3)],
      ]),
    );
    expect(await host.nextEvent()).toEqual(stateOf([], 3, true));
    await host.expect('prepare_reply');
  });

  test('a second prepare changes nothing and repeats prepare_reply alone', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3, 'quiz');
    host.command({ cmd: 'prepare', name: 'other', max_players: 9 });
    expect(await host.nextEvent()).toEqual({ cmd: 'prepare_reply', key: code });
    host.command({ cmd: 'kick', player: playerId(1) });
    expect(await host.nextEvent()).toEqual(stateOf([], 3, true, 'quiz'));
  });

  test('commands behind prepare need not wait: they are carried out after it, in order', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const host = await nodes.host();
    store.shut();
    host.command({ cmd: 'prepare', name: '', max_players: 2 });
    host.command({ cmd: 'kick', player: playerId(7) });
    host.send('no command');
    host.command({ cmd: 'prepare', name: '', max_players: 2 });
    await arrived(host);
    expect(host.waiting).toBe(0);
    store.open();
    expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    const { key } = await host.expect('prepare_reply');
    expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    expect(await host.nextEvent()).toEqual({ cmd: 'error', reason: 'Invalid message.' });
    expect(await host.nextEvent()).toEqual({ cmd: 'prepare_reply', key });
  });

  test('more commands behind prepare than are held close the host', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, {}, store);
    const host = await nodes.host();
    store.shut();
    host.command({ cmd: 'prepare', name: '', max_players: 2 });
    for (let i = 0; i < 257; i += 1) host.command({ cmd: 'start' });
    await host.expect('stop');
    expect(await host.closed()).toEqual({ code: 1008, reason: 'Too much, too fast.' });
    store.open();
  });

  test('commands before prepare are answered by an error and cost nothing', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.command({ cmd: 'start' });
    host.command({ cmd: 'kick', player: playerId(1) });
    host.command({ cmd: 'to', to: 'all', data: Uint8Array.of(1) });
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('a') });
    for (let i = 0; i < 4; i += 1) expect(await host.nextEvent()).toEqual(NOT_PREPARED);
    expect(await host.prepare(1)).toMatch(/^[A-Z]{4}$/);
  });

  test('stop before prepare closes the host', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.command({ cmd: 'stop' });
    expect(await host.closed()).toEqual({ code: 1001, reason: 'The game is done.' });
  });

  test('stop right behind prepare closes the host after prepare_reply', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.command({ cmd: 'prepare', name: '', max_players: 1 });
    host.command({ cmd: 'stop' });
    await host.expect('state');
    await host.expect('prepare_reply');
    expect(await host.closed()).toEqual({ code: 1001, reason: 'The game is done.' });
  });

  test('a host that goes while its room opens leaves no room behind', async () => {
    const store = new GatedStore();
    nodes = await Nodes.open(count, { WMBP_MAX_ROOMS: '1' }, store);
    const host = await nodes.host();
    store.shut();
    host.command({ cmd: 'prepare', name: '', max_players: 2 });
    await arrived(host);
    host.close();
    await host.closed();
    store.open();
    await nodes.room(2);
    expect(nodes.failures).toEqual([]);
  });

  test('a room for nobody admits nobody', async () => {
    nodes = await Nodes.open(count);
    const host = await nodes.host();
    host.command({ cmd: 'prepare', name: '', max_players: 0 });
    expect(await host.nextEvent()).toEqual(stateOf([], 0, false));
    const { key } = await host.expect('prepare_reply');
    const player = await nodes.player(key);
    expect(await player.closed()).toEqual({ code: 4502, reason: 'The room is full.' });
  });

  test('as many players may be asked for as there are ids', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(0xffff_ffff);
    await nodes.player(code);
    await host.expect('player_joined');
    expect(await host.nextEvent()).toEqual(stateOf([1], 0xffff_ffff, true));
  });

  test('every host gets a code of its own', async () => {
    nodes = await Nodes.open(count);
    const rooms = await Promise.all(Array.from({ length: 30 }, () => nodes.room(1)));
    expect(new Set(rooms.map(({ code }) => code)).size).toBe(30);
  });
});
