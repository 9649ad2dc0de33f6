/** Redis is out of reach for a while: frames between nodes are lost, and whoever missed one is told. */
import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { mayComeBack } from '@wmbp/protocol';
import { away, AWAY_MS, joinsAgain, SETTLED_MS, type Interval, type Outage } from './outage.ts';
import { atOnce, eventually, lasting, type Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch, until } from './watches.ts';

const MIB = 1024 * 1024;

atOnce({
  ...scenarios('killed'),
  ...scenarios('hung'),
});

function scenarios(outage: Outage): Record<string, () => Promise<void>> {
  return {
    [`${outage}: whoever missed a frame is closed, also those who never say anything`]: () =>
      away(outage, 2, missedFrames),
    [`${outage}: a player that pumps to a host elsewhere does not fill its node's memory`]: () =>
      away(outage, 2, pumping),
  };
}

async function missedFrames(nodes: Processes, { begin, end }: Interval): Promise<void> {
  const { host, code } = await nodes.room(0, 4);
  const silent = await nodes.joined(1, host, code);
  const talking = await nodes.room(1, 4);
  const talker = await nodes.joined(0, talking.host, talking.code);
  const hostSees = new HostWatch(host);
  const silentSees = new PlayerWatch(silent.player);
  const talkingSees = new HostWatch(talking.host);
  const talkerSees = new PlayerWatch(talker.player);
  const talk = nodes.talk(host);
  nodes.talk(talker.player);
  await silentSees.hearsMore();
  await talkingSees.hearsMore(talker.id);

  begin();
  await lasting(AWAY_MS);
  talk.pause();
  await end();

  const isWhole = (): boolean => silentSees.next === talk.sent;
  await silentSees.until('the close, or all', () => silentSees.close !== undefined || isWhole(), SETTLED_MS);
  if (silentSees.close) {
    expect(mayComeBack(silentSees.close.code)).toBe(true);
    await hostSees.until('the silent one to have left', () => hostSees.left.length === 1, SETTLED_MS);
  }
  const heard = talkingSees.next[talker.id] ?? 0;
  await until(
    'more of the talker, or its close',
    () => talkerSees.close !== undefined || (talkingSees.next[talker.id] ?? 0) > heard + 5,
  );
  if (talkerSees.close) {
    expect(mayComeBack((await talkerSees.closed()).code)).toBe(true);
    await talkingSees.until('the talker to have left', () => talkingSees.left.length === 1, SETTLED_MS);
  }
  talk.goOn();
  const back = new PlayerWatch(await joinsAgain(nodes, 1, code));
  await back.hearsMore();
  expectWhole(hostSees, silentSees, talkingSees, talkerSees, back);
  expect(nodes.failures).toEqual([]);
}

async function pumping(nodes: Processes, { begin, end }: Interval): Promise<void> {
  const { host, code } = await nodes.room(0, 4);
  const { player } = await nodes.joined(1, host, code);
  const playerSees = new PlayerWatch(player);
  const frame = Buffer.alloc(MIB);
  const { pid } = nodes.server(1);
  const beforeMib = residentMib(pid);
  let mostMib = 0;
  begin();
  const pump = setInterval(() => {
    mostMib = Math.max(mostMib, residentMib(pid));
    if (player.socket.readyState !== player.socket.OPEN) return;
    while (player.socket.bufferedAmount < 32 * MIB) player.socket.send(frame);
  }, 5);
  try {
    await end();
  } finally {
    clearInterval(pump);
  }
  await playerSees.until('the close', () => playerSees.close !== undefined, SETTLED_MS);
  // Lost its way, or sent away because all of it came to its host at once.
  expect([1013, 1008]).toContain(playerSees.close?.code);
  expect(mostMib - beforeMib).toBeLessThan(512);
  await eventually('the seat', async () => (await nodes.lookUp(1, code)) === '200 ', SETTLED_MS);
  expect(nodes.failures).toEqual([]);
}

function residentMib(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
