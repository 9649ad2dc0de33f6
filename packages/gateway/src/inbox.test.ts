/** Other nodes' envelopes: in order, each item once; what has a hole is closed. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { CLOSE, playerId, type RoomCode } from '@wmbp/protocol';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { type FakeSocket, settled } from '../test/fakes.ts';
import { channelOf } from './channels.ts';
import { decodeItems, EnvelopeWriter, type Item } from './envelope.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { type Epoch, type NodeId } from './names.ts';

const OTHER = 2 as NodeId;

function envelope(epoch: Epoch, stream: number, firstItem: number, ...items: Item[]): Uint8Array {
  const writer = new EnvelopeWriter(() => undefined);
  for (const item of items) writer.append(item);
  return writer.finish({ epoch, source: OTHER, stream, firstItem });
}

function joined(id: number): Item {
  return { kind: 'joined', player: playerId(id) };
}

function left(id: number): Item {
  return { kind: 'left', player: playerId(id) };
}

function from(id: number, text: string): Item {
  return { kind: 'toHost', player: playerId(id), bytes: Buffer.from(text), isBinary: false };
}

function toAll(text: string): Item {
  return { kind: 'toPlayers', to: 'all', bytes: Buffer.from(text), isBinary: false };
}

describe("on the host's node", () => {
  let node: CoreNode;
  let code: RoomCode;
  let epoch: Epoch;
  let socket: FakeSocket;
  let store: MemoryRoomStore;
  /** What the other node is told. */
  let told: (Item | undefined)[];

  beforeEach(async () => {
    store = new MemoryRoomStore();
    const backplane = new MemoryBackplane();
    const other = new MemoryBackplane(backplane);
    node = new CoreNode(1, store, backplane);
    const opened = await node.host(9);
    ({ code, socket } = opened);
    epoch = opened.host.room.epoch;
    const items: (Item | undefined)[] = [];
    told = items;
    await other.subscribe(channelOf(code, OTHER), (bytes) => items.push(...decodeItems(bytes)));
  });

  function receive(stream: number, firstItem: number, ...items: Item[]): string[] {
    node.inbox.receive(code, envelope(epoch, stream, firstItem, ...items));
    return heardBy(socket);
  }

  test('items are carried out in order', () => {
    expect(receive(5, 1, joined(1), from(1, 'a'), joined(2), from(2, 'b'), left(1))).toEqual([
      'joined 1',
      'state 1',
      '1: a',
      'joined 2',
      'state 1,2',
      '2: b',
      'left 1',
      'state 2',
    ]);
  });

  test('what has been heard already is dropped, whole envelopes and parts of them', () => {
    receive(5, 1, joined(1), from(1, 'a'));
    socket.frames.length = 0;
    expect(receive(5, 1, joined(1), from(1, 'a'))).toEqual([]);
    expect(receive(5, 2, from(1, 'a'), from(1, 'b'))).toEqual(['1: b']);
    expect(receive(5, 4, from(1, 'c'))).toEqual(['1: b', '1: c']);
  });

  test('an item of a kind not known here counts', () => {
    const known = envelope(epoch, 5, 1, joined(1));
    const unknown = Uint8Array.of(99, 0, 0, 0, 1, 9);
    node.inbox.receive(code, Buffer.concat([known, unknown]));
    socket.frames.length = 0;
    expect(receive(5, 3, from(1, 'a'))).toEqual(['1: a']);
  });

  test('a gap closes the players of that node, each left once; nothing behind the gap is heard', () => {
    receive(5, 1, joined(1), from(1, 'a'), joined(2));
    socket.frames.length = 0;
    expect(receive(5, 5, from(1, 'c'))).toEqual(['left 1', 'state 2', 'left 2', 'state ']);
    expect(receive(5, 6, from(1, 'd'), left(1), left(2))).toHaveLength(4);
  });

  test('a gap gives the seats back', async () => {
    for (let i = 0; i < 9; i += 1) await store.join(code, OTHER);
    receive(5, 1, ...Array.from({ length: 9 }, (_, i) => joined(i + 1)));
    receive(5, 20, from(1, 'a'));
    await settled();
    expect(await store.join(code, OTHER)).toMatchObject({ ok: true, player: 10 });
  });

  test('a gap costs players of other nodes nothing', async () => {
    const here = await node.player(code);
    receive(5, 1, joined(2));
    receive(5, 3, from(2, 'x'));
    expect(here.socket.isOpen).toBe(true);
    socket.frames.length = 0;
    node.send(here.session, 'still here');
    expect(heardBy(socket)).toEqual(['1: still here']);
  });

  test('a new stream begins with its first item; what comes late from the old one is dropped', () => {
    receive(5, 1, joined(1), left(1));
    receive(6, 1, joined(2));
    socket.frames.length = 0;
    expect(receive(5, 3, joined(1), from(1, 'late'))).toEqual([]);
    expect(receive(6, 2, from(2, 'a'))).toEqual(['2: a']);
  });

  test('after a gap a new stream is heard from its first item on', () => {
    receive(5, 1, joined(1));
    receive(5, 9, from(1, 'x'));
    socket.frames.length = 0;
    expect(receive(6, 1, joined(3), from(3, 'a'))).toEqual(['joined 3', 'state 3', '3: a']);
  });

  test('whoever was in the last stream is gone when a new one begins', () => {
    receive(5, 1, joined(1), joined(2));
    socket.frames.length = 0;
    expect(receive(6, 1, left(1), joined(3), from(3, 'a'))).toEqual([
      'left 1',
      'state 2',
      'left 2',
      'state ',
      'joined 3',
      'state 3',
      '3: a',
    ]);
    expect(receive(5, 3, from(2, 'late'))).toHaveLength(7);
  });

  test('a stream that was never heard from its first item on means nothing, and its node is told', async () => {
    expect(receive(7, 2, joined(1))).toEqual([]);
    await settled();
    expect(told).toEqual([{ kind: 'closeRoom', why: 'linkLost' }]);
  });

  test('an older room on another node has the code: the host is told stop, and may come back', () => {
    receive(5, 1, { kind: 'closeRoom', why: 'roomLost' });
    expect(heardBy(socket)).toEqual(['stop']);
    expect(socket.closedWith).toEqual(CLOSE.roomLost);
  });

  test('envelopes of another epoch, another version or another room mean nothing', () => {
    node.inbox.receive(code, envelope((epoch + 1) as Epoch, 5, 1, joined(1)));
    node.inbox.receive(code, Uint8Array.of(2, ...envelope(epoch, 5, 1, joined(1)).subarray(1)));
    node.inbox.receive(
      code === 'ABCD' ? ('ABCE' as RoomCode) : ('ABCD' as RoomCode),
      envelope(epoch, 5, 1, joined(1)),
    );
    node.inbox.receive(code, new Uint8Array());
    expect(heardBy(socket)).toEqual([]);
  });

  test('frames of a player that is no member are dropped, and a second left is not announced', () => {
    expect(receive(5, 1, from(9, 'x'), left(9))).toEqual([]);
    receive(5, 3, joined(1), left(1));
    socket.frames.length = 0;
    expect(receive(5, 5, left(1), from(1, 'x'))).toEqual([]);
  });

  test("what only a host's node says is not believed of others", () => {
    receive(5, 1, joined(1), { kind: 'closeRoom', why: 'roomOver' }, from(1, 'still'));
    expect(socket.isOpen).toBe(true);
    expect(heardBy(socket).at(-1)).toBe('1: still');
  });
});

describe("on a player's node", () => {
  let node: CoreNode;
  let code: RoomCode;
  let epoch: Epoch;
  let sockets: FakeSocket[];

  beforeEach(async () => {
    const store = new MemoryRoomStore();
    const backplane = new MemoryBackplane();
    const hosts = new CoreNode(OTHER, store, backplane);
    const opened = await hosts.host(9);
    code = opened.code;
    epoch = opened.host.room.epoch;
    node = new CoreNode(1, store, new MemoryBackplane(backplane));
    sockets = [(await node.player(code)).socket, (await node.player(code)).socket];
    await settled();
  });

  function receive(stream: number, firstItem: number, ...items: Item[]): void {
    node.inbox.receive(code, envelope(epoch, stream, firstItem, ...items));
  }

  test('frames reach those listed, or all', () => {
    const one: Item = {
      kind: 'toPlayers',
      to: [playerId(2), playerId(9)],
      bytes: Buffer.from('b'),
      isBinary: false,
    };
    receive(5, 1, toAll('a'), one, toAll('c'));
    expect(sockets.map(({ texts }) => texts)).toEqual([
      ['a', 'c'],
      ['a', 'b', 'c'],
    ]);
  });

  test('a player is closed behind what was sent to it, and the others play on', () => {
    receive(5, 1, toAll('a'), { kind: 'closePlayer', player: playerId(1), why: 'kicked' }, toAll('b'));
    expect(sockets[0]?.texts).toEqual(['a']);
    expect(sockets[0]?.closedWith).toBe(CLOSE.kicked);
    expect(sockets[1]?.texts).toEqual(['a', 'b']);
  });

  test('the end of the room closes everybody behind what was sent', () => {
    receive(5, 1, toAll('a'), { kind: 'closeRoom', why: 'roomOver' });
    for (const socket of sockets) {
      expect(socket.texts).toEqual(['a']);
      expect(socket.closedWith).toBe(CLOSE.roomOver);
    }
    expect(node.hub.room(code)).toBeUndefined();
  });

  test('a gap closes every player of the room here: nobody has a hole', () => {
    receive(5, 1, toAll('a'));
    receive(5, 3, toAll('c'));
    for (const socket of sockets) {
      expect(socket.texts).toEqual(['a']);
      expect(socket.closedWith).toBe(CLOSE.linkLost);
    }
  });

  test('repeats are dropped', () => {
    receive(5, 1, toAll('a'), toAll('b'));
    receive(5, 1, toAll('a'), toAll('b'), toAll('c'));
    expect(sockets[0]?.texts).toEqual(['a', 'b', 'c']);
  });
});
