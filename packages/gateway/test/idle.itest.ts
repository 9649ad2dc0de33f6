/** Who says nothing for a long time: pings tell whether somebody is there. */
import { expect } from '@jest/globals';
import { TestPeer, within } from '@wmbp/testkit';
import { Nodes } from './nodes.ts';
import { atOnce } from './processes.ts';
import { OPCODE, RawPeer } from './raw-peer.ts';

/** The least that may be set. */
const IDLE_SECONDS = 8;

async function withNode(play: (nodes: Nodes) => Promise<void>): Promise<void> {
  const nodes = await Nodes.open(1, { WMBP_IDLE_TIMEOUT_SECONDS: String(IDLE_SECONDS) });
  try {
    await play(nodes);
    expect(nodes.failures).toEqual([]);
  } finally {
    await nodes.close();
  }
}

/** Only what the library does by itself: it answers pings. Ends with one, at least so long after the start. */
async function silence(peer: TestPeer, seconds: number): Promise<void> {
  const untilMs = performance.now() + 1000 * seconds;
  while (performance.now() < untilMs) {
    await within('a ping', new Promise<void>((resolve) => peer.socket.once('ping', () => resolve())));
  }
}

atOnce({
  'a host and a player that say nothing but answer pings outlive twice the timeout, and are heard again':
    () =>
      withNode(async (nodes) => {
        const { host, code } = await nodes.room(1);
        const { player, id } = await nodes.joined(host, code);
        await Promise.all([silence(host, 2 * IDLE_SECONDS), silence(player, 2 * IDLE_SECONDS)]);
        player.send('still here');
        expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: id, data: 'still here' });
        host.command({ cmd: 'to_str', to: [id], data: Buffer.from('so am I') });
        expect(await player.nextText()).toBe('so am I');
      }),

  'a player that answers no ping is dropped, and its host is told that it has left': () =>
    withNode(async (nodes) => {
      const { host, code } = await nodes.room(1);
      const deaf = await RawPeer.upgraded(nodes.playerPort, `/${code}`);
      const { player: id } = await host.expect('player_joined');
      await host.expect('state');
      expect(await host.expect('player_left')).toMatchObject({ player: id });
      expect((await deaf.frames()).map(({ opcode }) => opcode)).toEqual([OPCODE.ping]);
    }),

  'frames of the gateway alone keep nobody: who takes them and never answers is dropped, too': () =>
    withNode(async (nodes) => {
      const { host, code } = await nodes.room(1);
      const deaf = await RawPeer.upgraded(nodes.playerPort, `/${code}`);
      await host.expect('player_joined');
      await host.expect('state');
      const talk = setInterval(
        () => host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('hello') }),
        100,
      );
      try {
        await host.expect('player_left');
      } finally {
        clearInterval(talk);
      }
      expect((await deaf.frames()).map(({ opcode }) => opcode)).toContain(OPCODE.text);
    }),
});
