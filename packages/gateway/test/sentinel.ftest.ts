/** Redis under sentinels: a game plays, and after the master's death others do again. */
import { expect } from '@jest/globals';
import { mayComeBack } from '@wmbp/protocol';
import { startRedisSentinels } from '@wmbp/testkit';
import { RedisConnection } from '../src/redis/connect.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { FakeLog } from './fakes.ts';
import { joinsAgain } from './outage.ts';
import { atOnce, eventually, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

/** Sentinels notice after a second, agree, and promote; gateways look again every second at most. */
const FAILED_OVER_MS = 20_000;

atOnce({
  'when the master is killed rooms are joinable again, new ones open, and frames flow': () =>
    failOver('SIGKILL'),
  'the same when the master hangs': () => failOver('SIGSTOP'),
  'a connection that is cut while it asks who the master is finds the master all the same': cutWhileAsking,
});

async function cutWhileAsking(): Promise<void> {
  const sentinels = await startRedisSentinels();
  const log = new FakeLog();
  const connection = new RedisConnection(parseRedisUrl(sentinels.url), 'test', log);
  try {
    expect(connection.client.status).toBe('connecting');
    connection.client.disconnect(true);
    await eventually('the master', () => isReady(connection), FAILED_OVER_MS);
    expect(await connection.client.ping()).toBe('PONG');
  } finally {
    await connection.close();
    await sentinels.stop();
  }
}

async function failOver(signal: NodeJS.Signals): Promise<void> {
  const sentinels = await startRedisSentinels();
  try {
    await Processes.play(2, sentinels.url, async (nodes) => {
      const { host, code } = await nodes.room(0, 9, 'quiz');
      const away = await nodes.joined(1, host, code);
      const quiet = await nodes.room(1, 9);
      const guest = await nodes.joined(0, quiet.host, quiet.code);
      const hostSees = new HostWatch(host);
      const awaySees = new PlayerWatch(away.player);
      nodes.talk(host);
      nodes.talk(away.player);
      await Promise.all([hostSees.hearsMore(away.id), awaySees.hearsMore()]);

      sentinels.master.signal(signal);
      const killedAtMs = performance.now();
      await eventually('a new room', () => opens(nodes, 0), FAILED_OVER_MS);
      for (const index of [0, 1]) {
        expect(await nodes.lookUp(index, code)).toBe('200 quiz');
        const newcomer = await joinsAgain(nodes, index, code);
        const sees = new PlayerWatch(newcomer);
        nodes.talk(newcomer);
        await sees.hearsMore();
        await hostSees.hearsMore(hostSees.joined.at(-1) ?? 0);
        expectWhole(sees);
      }
      expect(performance.now() - killedAtMs).toBeLessThan(FAILED_OVER_MS);

      // Those whose frames were lost were told; those who were silent go on.
      if (awaySees.close) expect(mayComeBack(awaySees.close.code)).toBe(true);
      else await Promise.all([hostSees.hearsMore(away.id), awaySees.hearsMore()]);
      const quietSees = new HostWatch(quiet.host);
      const guestSees = new PlayerWatch(guest.player);
      nodes.talk(quiet.host);
      nodes.talk(guest.player);
      await Promise.all([quietSees.hearsMore(guest.id), guestSees.hearsMore()]);
      expect(quietSees.left).toEqual([]);
      expectWhole(hostSees, awaySees, quietSees, guestSees);
      expect(nodes.failures).toEqual([]);
    });
  } finally {
    await sentinels.stop();
  }
}

function isReady(connection: RedisConnection): Promise<boolean> {
  return connection.ready().then(
    () => true,
    () => false,
  );
}

async function opens(nodes: Processes, index: number): Promise<boolean> {
  const host = await nodes.host(nodes.server(index).port);
  host.command({ cmd: 'prepare', name: '', max_players: 1 });
  for (;;) {
    const event = await host.nextEvent();
    if (event.cmd === 'prepare_reply') return true;
    if (event.cmd === 'stop') return false;
  }
}
