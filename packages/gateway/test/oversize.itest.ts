/** Frames above WMBP_MAX_FRAME_BYTES cost who sends them the connection, wherever peers sit. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type TestHost, type TestPeer } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { arrived, stateOf } from './wire.ts';

const MAX_FRAME_BYTES = 4096;
const TOO_LARGE = { code: 1009, reason: 'The frame is too large.' };
const HOST_GONE = { code: 1001, reason: 'The host is gone.' };

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  let host: TestHost;
  let player: TestPeer;

  beforeEach(async () => {
    nodes = await Nodes.open(count, { WMBP_MAX_FRAME_BYTES: `${MAX_FRAME_BYTES}` });
    const room = await nodes.room(2);
    host = room.host;
    ({ player } = await nodes.joined(host, room.code));
  });
  afterEach(() => nodes.close());

  test('a frame of exactly the bound passes', async () => {
    player.send('x'.repeat(MAX_FRAME_BYTES));
    expect((await host.expect('from_str')).data).toHaveLength(MAX_FRAME_BYTES);
  });

  test.each([MAX_FRAME_BYTES + 1, 2 * MAX_FRAME_BYTES])(
    "a player's frame of %d bytes closes it with a real 1009; its host is told that it left",
    async (size) => {
      player.send('before');
      player.send(new Uint8Array(size));
      player.send('behind');
      expect(await player.closed()).toEqual(TOO_LARGE);
      expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'before' });
      expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: 1 });
      expect(await host.nextEvent()).toEqual(stateOf([], 2, true));
      await arrived(host);
      expect(host.waiting).toBe(0);
    },
  );

  test.each([MAX_FRAME_BYTES + 1, 2 * MAX_FRAME_BYTES])(
    "a host's frame of %d bytes gets stop, then a real 1009; its players are closed",
    async (size) => {
      host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('before') });
      host.send(new Uint8Array(size));
      await host.expect('stop');
      expect(await host.closed()).toEqual(TOO_LARGE);
      expect(await player.nextText()).toBe('before');
      expect(await player.closed()).toEqual(HOST_GONE);
    },
  );

  test('an oversize frame in fragments closes with 1009 too', async () => {
    for (let i = 0; i < 5; i += 1) player.socket.send(new Uint8Array(1000), { fin: i === 4 });
    expect(await player.closed()).toEqual(TOO_LARGE);
  });

  test('a host that never prepared is closed with 1009 as well', async () => {
    const unprepared = await nodes.host();
    unprepared.send('x'.repeat(MAX_FRAME_BYTES + 1));
    await unprepared.expect('stop');
    expect(await unprepared.closed()).toEqual(TOO_LARGE);
  });

  test("a player's frame above twice the bound drops it without a close frame", async () => {
    player.send(new Uint8Array(2 * MAX_FRAME_BYTES + 1));
    expect((await player.closed()).code).toBe(1006);
    expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: 1 });
  });

  test("a host's frame above twice the bound drops it and ends its room", async () => {
    host.send(new Uint8Array(2 * MAX_FRAME_BYTES + 1));
    expect((await host.closed()).code).toBe(1006);
    expect(await player.closed()).toEqual(HOST_GONE);
  });
});
