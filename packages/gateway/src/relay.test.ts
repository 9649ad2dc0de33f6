/** Frames reach exactly their addressees, wherever these are. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, type Addressees } from '@wmbp/protocol';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { settled, type FakeSocket } from '../test/fakes.ts';
import { type OnAnswer } from './backplane.ts';
import { HEADER_BYTES } from './envelope-header.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { type HostSession } from './session.ts';

const TEXT = Buffer.from('hello');

/** Players 1 and 3 sit with their host, 2 and 4 on the second node, 5 on the third. */
describe('a room on three nodes', () => {
  let published: number;
  let nodes: CoreNode[];
  let host: HostSession;
  let hostSocket: FakeSocket;
  let players: FakeSocket[];
  let send: ((text: string) => void)[];

  beforeEach(async () => {
    const store = new MemoryRoomStore();
    const first = new CountingBackplane();
    const backplanes = [first, new CountingBackplane(first), new CountingBackplane(first)];
    nodes = backplanes.map((backplane, i) => new CoreNode(i + 1, store, backplane));
    published = 0;
    const opened = await nodeAt(0).host(9);
    host = opened.host;
    hostSocket = opened.socket;
    players = [];
    send = [];
    for (const node of [0, 1, 0, 1, 2].map(nodeAt)) {
      const { session, socket } = await node.player(opened.code);
      await settled();
      players.push(socket);
      send.push((text) => node.send(session, text));
    }
    hostSocket.frames.length = 0;
    published = 0;
  });
  afterEach(() => {
    for (const node of nodes) node.close();
  });

  class CountingBackplane extends MemoryBackplane {
    override publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
      // What only acknowledges goes by the clock.
      if (envelope.length > HEADER_BYTES) published += 1;
      super.publish(channel, envelope, onAnswer);
    }
  }

  function nodeAt(index: number): CoreNode {
    const node = nodes[index];
    if (!node) throw new Error(`there is no node ${index}`);
    return node;
  }

  async function relayed(to: Addressees | number[], isBinary = false): Promise<number[]> {
    nodeAt(0).relay.toPlayers(host, to === 'all' ? to : to.map((id) => playerId(id)), TEXT, isBinary);
    await settled();
    return players.map(({ frames }) => frames.length);
  }

  test('a frame to all reaches each once, at one envelope a node', async () => {
    expect(await relayed('all')).toEqual([1, 1, 1, 1, 1]);
    expect(published).toBe(2);
  });

  test('a frame to some reaches these once, however often they are listed', async () => {
    expect(await relayed([2, 1, 2, 99, 4, 1, 0, 4])).toEqual([1, 1, 0, 1, 0]);
    expect(published).toBe(1);
    expect(await relayed([1, 2])).toEqual([2, 2, 0, 1, 0]);
  });

  test('a frame to players here leaves the node alone', async () => {
    expect(await relayed([1, 3])).toEqual([1, 0, 1, 0, 0]);
    expect(await relayed([])).toEqual([1, 0, 1, 0, 0]);
    expect(await relayed([99])).toEqual([1, 0, 1, 0, 0]);
    expect(await relayed([3])).toEqual([1, 0, 2, 0, 0]);
    send[0]?.('to the host beside it');
    await settled();
    expect(heardBy(hostSocket)).toEqual(['1: to the host beside it']);
    expect(published).toBe(0);
  });

  test('a frame to one leaves for its node alone', async () => {
    expect(await relayed([2])).toEqual([0, 1, 0, 0, 0]);
    expect(await relayed([5])).toEqual([0, 1, 0, 0, 1]);
    expect(published).toBe(2);
  });

  test('text stays text and bytes stay bytes', async () => {
    await relayed('all', true);
    await relayed([2, 3], false);
    const kinds = players.map(({ frames }) => frames.map(({ isBinary }) => isBinary));
    expect(kinds).toEqual([[true], [true, false], [true, false], [true], [true]]);
    expect(players.flatMap(({ texts }) => texts)).toEqual(Array.from({ length: 7 }, () => 'hello'));
  });

  test('frames of one turn keep their order, to and from everywhere', async () => {
    for (let i = 0; i < 20; i += 1) {
      nodeAt(0).relay.toPlayers(host, i % 2 ? 'all' : [playerId(2), playerId(3)], Buffer.from(`${i}`), false);
      for (const each of send) each(`${i}`);
    }
    await settled();
    const all = Array.from({ length: 20 }, (_, i) => `${i}`);
    const odd = all.filter((_, i) => i % 2);
    expect(players.map(({ texts }) => texts)).toEqual([odd, all, all, odd, odd]);
    for (let id = 1; id <= 5; id += 1) {
      const heard = heardBy(hostSocket).filter((event) => event.startsWith(`${id}: `));
      expect(heard).toEqual(all.map((text) => `${id}: ${text}`));
    }
    expect(published).toBe(4);
  });

  test("a player's bytes and text reach the host as from and from_str", async () => {
    for (const { hub, relay } of nodes) {
      for (const room of hub.rooms) {
        for (const session of room.players.values()) relay.toHost(session, Uint8Array.of(0, 200), true);
      }
    }
    await settled();
    expect(heardBy(hostSocket).sort()).toEqual([1, 2, 3, 4, 5].map((id) => `${id}: x00c8`));
  });

  test('what is relayed does not depend on memory that changes afterwards', async () => {
    const bytes = Buffer.from('before');
    nodeAt(0).relay.toPlayers(host, 'all', bytes, false);
    send[1]?.('x');
    bytes.fill('!');
    await settled();
    expect(players.map(({ texts }) => texts)).toEqual(players.map(() => ['before']));
  });
});
