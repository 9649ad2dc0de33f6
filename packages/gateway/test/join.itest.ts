/** What peers see of joining, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { ARRANGEMENTS, Nodes } from './nodes.ts';

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('a host is told player_joined, then the state with it, then its early frames in order', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3, 'quiz');
    const player = await nodes.player(code);
    player.send('one');
    player.send(Uint8Array.of(1, 2, 255));
    player.send('three');
    expect(await host.nextEvent()).toEqual({ cmd: 'player_joined', player: 1 });
    expect(await host.nextEvent()).toEqual({
      cmd: 'state',
      name: 'quiz',
      players: [1],
      max_players: 3,
      accept_conns: true,
    });
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'one' });
    expect(await host.expect('from')).toMatchObject({ from: 1, data: Uint8Array.of(1, 2, 255) });
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'three' });
  });

  test('a host that answers player_joined at once reaches the player', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    const player = await nodes.player(code);
    const { player: id } = await host.expect('player_joined');
    host.command({ cmd: 'to_str', to: [id], data: Buffer.from('hello') });
    expect(await player.nextText()).toBe('hello');
  });

  test('of fifty who ask at once exactly max_players get in', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(8);
    const players = await Promise.all(Array.from({ length: 50 }, () => nodes.player(code)));
    const joined: number[] = [];
    while (joined.length < 8) {
      joined.push((await host.expect('player_joined')).player);
      await host.expect('state');
    }
    expect(joined.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('in') });
    let admitted = 0;
    for (const player of players) {
      const arrival = await player.nextText().catch(String);
      if (arrival === 'in') admitted += 1;
      else expect(arrival).toContain('4502 The room is full.');
    }
    expect(admitted).toBe(8);
    host.command({ cmd: 'kick', player: playerId(99) });
    expect((await host.expect('state')).players).toHaveLength(8);
    expect(nodes.failures).toEqual([]);
  });
});
