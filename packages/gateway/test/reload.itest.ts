/** A phone whose page is reloaded: close 1001 and a new socket at once, wherever it lands. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { TestPeer } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { stateOf } from './wire.ts';

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('gets its seat in a full room, under a new id, time after time', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    let { player } = await nodes.joined(host, code);
    for (let id = 2; id <= 10; id += 1) {
      player.close(1001);
      await player.closed();
      player = await nodes.player(code);
      // What two nodes say of two players has no order between them.
      const heard = [await host.nextEvent(), await host.nextEvent(), await host.nextEvent()];
      expect(heard).toContainEqual({ cmd: 'player_left', player: id - 1 });
      expect(heard).toContainEqual({ cmd: 'player_joined', player: id });
      expect(await host.nextEvent()).toEqual(stateOf([id], 1, false));
      host.command({ cmd: 'to_str', to: [playerId(id)], data: Buffer.from('welcome') });
      expect(await player.nextText()).toBe('welcome');
    }
  });

  test('gets its seat in a full room from another node', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    const { player } = await nodes.joined(host, code);
    player.close(1001);
    await player.closed();
    const reloaded = new TestPeer(`ws://127.0.0.1:${nodes.hostPort}/${code}`);
    const heard = [
      await host.nextEvent(),
      await host.nextEvent(),
      await host.nextEvent(),
      await host.nextEvent(),
    ];
    expect(heard.map(({ cmd }) => cmd).sort()).toEqual(['player_joined', 'player_left', 'state', 'state']);
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('welcome') });
    expect(await reloaded.nextText()).toBe('welcome');
    reloaded.drop();
  });

  test('a host that reloads gets a new room; its players are closed', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1);
    const { player } = await nodes.joined(host, code);
    host.close(1001);
    const again = await nodes.room(1);
    expect(await player.closed()).toEqual({ code: 1001, reason: 'The host is gone.' });
    await nodes.joined(again.host, again.code);
  });
});
