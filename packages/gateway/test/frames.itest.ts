/** Frames of every size and shape arrive as they were sent, both ways, wherever peers sit. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, type HostEvent } from '@wmbp/protocol';
import { TestPeer, type TestHost } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { array, arrived, integer, integers, map, pattern, text } from './wire.ts';

const MIB = 1024 * 1024;
/** The largest WebSocket fragment of a browser that just-party was seen with. */
const FRAGMENT_BYTES = 131_000;

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  let host: TestHost;
  let code: string;
  let player: TestPeer;

  beforeEach(async () => {
    nodes = await Nodes.open(count);
    ({ host, code } = await nodes.room(9));
    ({ player } = await nodes.joined(host, code));
  });
  afterEach(() => nodes.close());

  async function hostGot(): Promise<Uint8Array> {
    return (await host.expect('from')).data;
  }

  function isSame(left: Uint8Array, right: Uint8Array): boolean {
    return Buffer.compare(left, right) === 0;
  }

  function sendInFragments(peer: TestPeer, bytes: Uint8Array, binary: boolean): void {
    for (let at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
      const isLast = at + FRAGMENT_BYTES >= bytes.length;
      peer.socket.send(bytes.subarray(at, at + FRAGMENT_BYTES), { binary, fin: isLast });
    }
  }

  test('empty frames are frames', async () => {
    player.send('');
    player.send(new Uint8Array());
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: '' });
    expect(await hostGot()).toHaveLength(0);
    host.command({ cmd: 'to_str', to: [playerId(1)], data: new Uint8Array() });
    host.command({ cmd: 'to', to: 'all', data: new Uint8Array() });
    expect(await player.next()).toMatchObject({ isBinary: false, bytes: Buffer.alloc(0) });
    expect(await player.next()).toMatchObject({ isBinary: true, bytes: Buffer.alloc(0) });
  });

  test("a player's bytes reach the host as an array of integers, to the byte", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_each, i) => i);
    player.send(bytes);
    const expected = map([['cmd', text('from')], ['from', integer(1)], ['data', integers(bytes)]]); // prettier-ignore
    expect(isSame((await host.next()).bytes, expected)).toBe(true);
  });

  test.each([23, 24, 255, 256, 65_535, 65_536, 300_000])(
    '%d bytes arrive as sent, both ways',
    async (size) => {
      const bytes = pattern(size);
      const letters = 'abcdefghij'.repeat(size / 10 + 1).slice(0, size);
      player.send(bytes);
      player.send(letters);
      expect(isSame(await hostGot(), bytes)).toBe(true);
      expect((await host.expect('from_str')).data === letters).toBe(true);
      host.command({ cmd: 'to', to: [playerId(1)], data: bytes });
      host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(letters) });
      expect(isSame((await player.next()).bytes, bytes)).toBe(true);
      expect((await player.nextText()) === letters).toBe(true);
    },
  );

  test('a drawing of 2 MiB, in fragments, arrives as sent', async () => {
    const drawing = pattern(2 * MIB);
    sendInFragments(player, drawing, true);
    player.send('behind it');
    expect(isSame(await hostGot(), drawing)).toBe(true);
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'behind it' });
  });

  test("a host's 2 MiB, in fragments, reach every player", async () => {
    const second = await nodes.joined(host, code);
    const picture = pattern(2 * MIB);
    const command = map([['cmd', text('to')], ['to', array([])], ['data', integers(picture)]]); // prettier-ignore
    sendInFragments(host, command, true);
    host.command({ cmd: 'to', to: 'all', data: picture });
    for (const each of [player, second.player]) {
      expect(isSame((await each.next()).bytes, picture)).toBe(true);
      expect(isSame((await each.next()).bytes, picture)).toBe(true);
    }
  });

  test('the largest frame, 8 MiB by default, is accepted from a player', async () => {
    player.send(new Uint8Array(8 * MIB).fill(255));
    expect(isSame(await hostGot(), new Uint8Array(8 * MIB).fill(255))).toBe(true);
  });

  test('the largest frame, 8 MiB by default, is accepted from a host', async () => {
    const command = '{"cmd":"to_str","to":[],"data":"';
    host.send(`${command}${'x'.repeat(8 * MIB - command.length - 2)}"}`);
    expect((await player.next()).bytes).toHaveLength(8 * MIB - command.length - 2);
  });

  test('text in tiny fragments, cut within a letter, arrives whole', async () => {
    const bytes = Buffer.from('zwölf ☃ 🎲');
    for (let at = 0; at < bytes.length; at += 1) {
      player.socket.send(bytes.subarray(at, at + 1), { binary: false, fin: at === bytes.length - 1 });
    }
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'zwölf ☃ 🎲' });
  });

  test('text that is no UTF-8 costs the player its connection and the host nothing', async () => {
    player.socket.send(Uint8Array.of(0xc3, 0x28), { binary: false });
    expect([1006, 1007]).toContain((await player.closed()).code);
    expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: 1 });
  });

  test('compression that is offered is declined, and frames pass', async () => {
    const url = `ws://127.0.0.1:${nodes.playerPort}/${code}`;
    const offering = await new TestPeer(url, { perMessageDeflate: true }).opened();
    expect(offering.socket.extensions).toBe('');
    const { player: id } = await host.expect('player_joined');
    await host.expect('state');
    offering.send('a'.repeat(5000));
    expect((await host.expect('from_str')).data).toHaveLength(5000);
    host.command({ cmd: 'to_str', to: [id], data: Buffer.from('b'.repeat(5000)) });
    expect(await offering.nextText()).toHaveLength(5000);
    offering.drop();
  });

  test('pings are answered and never relayed', async () => {
    player.socket.ping('to nobody');
    await arrived(player);
    player.send('next');
    const event: HostEvent = await host.nextEvent();
    expect(event).toEqual({ cmd: 'from_str', from: 1, data: 'next' });
  });
});
