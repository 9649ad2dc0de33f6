/** What peers see when a host starts its game, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, stateOf } from './wire.ts';

const STARTED = { code: 4503, reason: 'The game has started.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('start is answered by a state that accepts nobody', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3, 'quiz');
    await nodes.joined(host, code);
    host.command({ cmd: 'start' });
    expect(await host.nextEvent()).toEqual(stateOf([1], 3, false, 'quiz'));
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('who comes after the start is refused, and its host sees nothing of it', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    host.command({ cmd: 'start' });
    await host.expect('state');
    const late = await nodes.player(code);
    late.send('let me in');
    expect(await late.closed()).toEqual(STARTED);
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('a started room says that it has started even when it is full', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
    host.command({ cmd: 'start' });
    await host.expect('state');
    expect(await (await nodes.player(code)).closed()).toEqual(STARTED);
  });

  test('who leaves a started room frees no seat', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player } = await nodes.joined(host, code);
    host.command({ cmd: 'start' });
    await host.expect('state');
    player.close();
    await host.expect('player_left');
    expect(await host.nextEvent()).toEqual(stateOf([], 2, false));
    expect(await (await nodes.player(code)).closed()).toEqual(STARTED);
  });

  test('a second start is answered like the first', async () => {
    nodes = await Nodes.open(count);
    const { host } = await nodes.room(2);
    host.command({ cmd: 'start' });
    host.command({ cmd: 'start' });
    expect(await host.nextEvent()).toEqual(stateOf([], 2, false));
    expect(await host.nextEvent()).toEqual(stateOf([], 2, false));
  });

  test('players play on after the start', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player, id } = await nodes.joined(host, code);
    host.command({ cmd: 'start' });
    host.command({ cmd: 'to_str', to: [id], data: Buffer.from('go') });
    expect(await player.nextText()).toBe('go');
    await host.expect('state');
    player.send('went');
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'went' });
  });

  test('the name of a started room can still be looked up', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2, 'quiz');
    host.command({ cmd: 'start' });
    await host.expect('state');
    const answer = await fetch(`http://127.0.0.1:${nodes.playerPort}/${code}`);
    expect(await answer.text()).toBe('quiz');
  });
});
