/** What peers see when a host stops its room, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { ARRANGEMENTS, Nodes } from './nodes.ts';

const GAME_DONE = { code: 1001, reason: 'The game is done.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('everybody gets what was sent before, then the close; the host hears no stop', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const players = [await nodes.joined(host, code), await nodes.joined(host, code)];
    for (let i = 0; i < 20; i += 1) {
      host.command({ cmd: 'to_str', to: players.map(({ id }) => id), data: Buffer.from(`${i}`) });
    }
    host.command({ cmd: 'to', to: 'all', data: new Uint8Array(300_000) });
    host.command({ cmd: 'stop' });
    for (const { player } of players) {
      for (let i = 0; i < 20; i += 1) expect(await player.nextText()).toBe(`${i}`);
      expect((await player.next()).bytes).toHaveLength(300_000);
      expect(await player.closed()).toEqual(GAME_DONE);
    }
    expect(await host.closed()).toEqual(GAME_DONE);
    expect(nodes.failures).toEqual([]);
  });

  test('the code of a stopped room works no more, even while its players still close', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    await nodes.joined(host, code);
    host.command({ cmd: 'stop' });
    await host.closed();
    expect(await (await nodes.player(code)).closed()).toEqual({ code: 4501, reason: 'Room not found.' });
    const answer = await fetch(`http://127.0.0.1:${nodes.playerPort}/${code}`);
    expect(answer.status).toBe(404);
  });

  test('what a host sends behind stop is not carried out', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const { player } = await nodes.joined(host, code);
    host.command({ cmd: 'stop' });
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('late') });
    host.command({ cmd: 'prepare', name: '', max_players: 2 });
    host.send('no command');
    expect(await player.closed()).toEqual(GAME_DONE);
    expect(await host.closed()).toEqual(GAME_DONE);
  });

  test('a started room is stopped like any other', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const { player } = await nodes.joined(host, code);
    host.command({ cmd: 'start' });
    await host.expect('state');
    host.command({ cmd: 'stop' });
    expect(await player.closed()).toEqual(GAME_DONE);
    expect(await host.closed()).toEqual(GAME_DONE);
  });

  test('players that talk while their room stops disturb nobody', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player } = await nodes.joined(host, code);
    for (let i = 0; i < 200; i += 1) player.send(`${i}`);
    host.command({ cmd: 'stop' });
    for (let i = 0; i < 200; i += 1) player.send(`${i}`);
    const { close, frames } = await host.drained();
    expect(close).toEqual(GAME_DONE);
    expect(frames.every(({ isBinary }) => isBinary)).toBe(true);
    expect(await player.closed()).toEqual(GAME_DONE);
    expect(nodes.failures).toEqual([]);
  });
});
