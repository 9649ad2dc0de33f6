/** What peers see when a host sends a player away, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, stateOf } from './wire.ts';

const KICKED = { code: 4504, reason: 'Kicked by the host.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('a kicked player gets what was sent before, then its close', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player, id } = await nodes.joined(host, code);
    for (let i = 0; i < 20; i += 1) host.command({ cmd: 'to_str', to: [id], data: Buffer.from(`${i}`) });
    host.command({ cmd: 'to', to: 'all', data: new Uint8Array(200_000) });
    host.command({ cmd: 'kick', player: id });
    for (let i = 0; i < 20; i += 1) expect(await player.nextText()).toBe(`${i}`);
    expect((await player.next()).bytes).toHaveLength(200_000);
    expect(await player.closed()).toEqual(KICKED);
  });

  test('a kick is answered by the state; then player_left, once, and the state without the player', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2, 'quiz');
    const { id } = await nodes.joined(host, code);
    await nodes.joined(host, code);
    host.command({ cmd: 'kick', player: id });
    expect(await host.nextEvent()).toEqual(stateOf([1, 2], 2, false, 'quiz'));
    expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: id });
    expect(await host.nextEvent()).toEqual(stateOf([2], 2, true, 'quiz'));
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('a kick of nobody is answered by the state alone', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player } = await nodes.joined(host, code);
    for (const unknown of [0, 2, 0xffff_ffff]) {
      host.command({ cmd: 'kick', player: playerId(unknown) });
      expect(await host.nextEvent()).toEqual(stateOf([1], 2, true));
    }
    await arrived(host);
    await arrived(player);
    expect(host.waiting + player.waiting).toBe(0);
  });

  test('a player kicked twice leaves once', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player, id } = await nodes.joined(host, code);
    host.command({ cmd: 'kick', player: id });
    host.command({ cmd: 'kick', player: id });
    expect(await player.closed()).toEqual(KICKED);
    const events = [];
    for (let i = 0; i < 4; i += 1) events.push((await host.nextEvent()).cmd);
    expect(events.sort()).toEqual(['player_left', 'state', 'state', 'state']);
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('what a host sends behind a kick reaches the others only', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const kicked = await nodes.joined(host, code);
    const other = await nodes.joined(host, code);
    host.command({ cmd: 'kick', player: kicked.id });
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('all') });
    host.command({ cmd: 'to_str', to: [kicked.id, other.id], data: Buffer.from('both') });
    expect(await kicked.player.closed()).toEqual(KICKED);
    expect(await other.player.nextText()).toBe('all');
    expect(await other.player.nextText()).toBe('both');
  });

  test('the seat of a kicked player is free when its host is told', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    const { id } = await nodes.joined(host, code);
    host.command({ cmd: 'kick', player: id });
    await host.expect('state');
    await host.expect('player_left');
    await host.expect('state');
    expect((await nodes.joined(host, code)).id).toBe(2);
  });

  test('a kick goes through while the player talks, and ends what its host hears of it', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    const { player, id } = await nodes.joined(host, code);
    for (let i = 0; i < 500; i += 1) player.send(`${i}`);
    host.command({ cmd: 'kick', player: id });
    let heard = 0;
    for (let event = await host.nextEvent(); event.cmd !== 'player_left'; event = await host.nextEvent()) {
      if (event.cmd === 'state') continue;
      expect(event).toEqual({ cmd: 'from_str', from: 1, data: `${heard}` });
      heard += 1;
    }
    expect(await host.nextEvent()).toEqual(stateOf([], 1, true));
    expect(await player.closed()).toEqual(KICKED);
    await arrived(host);
    expect(host.waiting).toBe(0);
  });
});
