/** What peers see when one of them goes by itself, or is lost, wherever they sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, stateOf } from './wire.ts';

const HOST_GONE = { code: 1001, reason: 'The host is gone.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test('a player that closes has left once, after its last frame', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player } = await nodes.joined(host, code);
    for (let i = 0; i < 50; i += 1) player.send(`${i}`);
    player.close(4321, 'enough');
    for (let i = 0; i < 50; i += 1) {
      expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: `${i}` });
    }
    expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: 1 });
    expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    host.command({ cmd: 'kick', player: playerId(1) });
    expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('a player whose connection is lost has left once, after its last frame', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    const { player } = await nodes.joined(host, code);
    player.send('last');
    await arrived(player);
    player.drop();
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'last' });
    expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: 1 });
    expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    await arrived(host);
    expect(host.waiting).toBe(0);
  });

  test('a player that goes while its host talks to it is heard to its last frame', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(2);
    for (let id = 1; id <= 10; id += 1) {
      const { player } = await nodes.joined(host, code);
      for (let i = 0; i < 20; i += 1) {
        player.send(`${i}`);
        host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('crossing') });
      }
      player.close();
      for (let i = 0; i < 20; i += 1)
        host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('crossing') });
      for (let i = 0; i < 20; i += 1) {
        expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: id, data: `${i}` });
      }
      expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: id });
      expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
    }
  });

  test("a player's leaving costs the others nothing", async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const first = await nodes.joined(host, code);
    const second = await nodes.joined(host, code);
    first.player.close();
    await host.expect('player_left');
    await host.expect('state');
    second.player.send('still here');
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 2, data: 'still here' });
    host.command({ cmd: 'to_str', to: [first.id, second.id], data: Buffer.from('both') });
    expect(await second.player.nextText()).toBe('both');
  });

  test('all who leave at once are each announced once', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(20);
    const joined = [];
    for (let i = 0; i < 20; i += 1) joined.push(await nodes.joined(host, code));
    for (const { player } of joined) player.drop();
    const left: number[] = [];
    for (let rest = 19; rest >= 0; rest -= 1) {
      left.push((await host.expect('player_left')).player);
      expect((await host.expect('state')).players).toHaveLength(rest);
    }
    expect(new Set(left).size).toBe(20);
  });

  test.each(['close', 'drop'] as const)("a host's %s ends its room: every player is closed", async (how) => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(3);
    const players = [await nodes.joined(host, code), await nodes.joined(host, code)];
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('bye') });
    await arrived(host);
    host[how]();
    for (const { player } of players) {
      expect(await player.nextText()).toBe('bye');
      expect(await player.closed()).toEqual(HOST_GONE);
    }
    expect(await (await nodes.player(code)).closed()).toMatchObject({ code: 4501 });
    expect(nodes.failures).toEqual([]);
  });

  test("a host's end leaves other rooms alone", async () => {
    nodes = await Nodes.open(count);
    const ended = await nodes.room(1);
    const other = await nodes.room(1);
    const { player } = await nodes.joined(other.host, other.code);
    const lost = await nodes.joined(ended.host, ended.code);
    ended.host.drop();
    expect(await lost.player.closed()).toEqual(HOST_GONE);
    player.send('still here');
    expect(await other.host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'still here' });
  });
});
