/** Codes that do not exist: who tries many is answered late, who knows a right one never is. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type TestPeer } from '@wmbp/testkit';
import { Nodes } from './nodes.ts';

const BURST = 60;
const NOT_FOUND = { code: 4501, reason: 'Room not found.' };
const TOO_MANY = { code: 1013, reason: 'Too many unknown room codes, try again later.' };

let nodes: Nodes;
afterEach(() => nodes.close());

/** A code that is not that of the test's room. */
function unknown(code: string): string {
  return code === 'ABCD' ? 'BCDE' : 'ABCD';
}

function joinUnknown(code: string, times: number): Promise<TestPeer[]> {
  return Promise.all(Array.from({ length: times }, () => nodes.player(unknown(code))));
}

function lookUp(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${nodes.playerPort}/${path}`);
}

test('sixty joins are answered at once, later ones late and as too many; a right code never waits', async () => {
  nodes = await Nodes.open(1);
  const { host, code } = await nodes.room(40, 'quiz');
  for (const player of await joinUnknown(code, BURST)) expect(await player.closed()).toEqual(NOT_FOUND);
  let closes: Promise<{ code: number }[]> = Promise.resolve([]);
  let lookUps: Promise<Response>[] = [];
  // On a machine that is slow two seconds may be over before the right code was even asked for.
  for (let isOvertaken = false; !isOvertaken;) {
    // The budget grows by one a second, and a machine may be slow.
    const joins = (await joinUnknown(code, BURST)).map((player) => player.closed());
    lookUps = Array.from({ length: 20 }, () => lookUp(unknown(code)));
    let areWaiting = true;
    closes = Promise.all(joins).finally(() => (areWaiting = false));
    await nodes.joined(host, code);
    expect(await (await lookUp(code)).text()).toBe('quiz');
    isOvertaken = areWaiting;
    if (!isOvertaken) await Promise.all(lookUps);
  }

  expect((await closes).filter((close) => close.code !== 4501)).toContainEqual(TOO_MANY);
  const answers = (await Promise.all(lookUps)).filter(({ status }) => status !== 404);
  expect(answers.length).toBeGreaterThan(0);
  for (const { status, headers } of answers) {
    expect([status, headers.get('access-control-allow-origin')]).toEqual([429, '*']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  // Two seconds have brought two more.
  expect((await lookUp(unknown(code))).status).toBe(404);
  expect(nodes.failures).toEqual([]);
});

describe('what does not count', () => {
  test('full and started rooms', async () => {
    nodes = await Nodes.open(1);
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
    const refused = await Promise.all(Array.from({ length: BURST + 10 }, () => nodes.player(code)));
    for (const player of refused) expect((await player.closed()).code).toBe(4502);
    host.command({ cmd: 'start' });
    await host.expect('state');
    expect((await (await nodes.player(code)).closed()).code).toBe(4503);
    const [player] = await joinUnknown(code, 1);
    expect(await player?.closed()).toEqual(NOT_FOUND);
  });

  test('who leaves while it waits costs nothing but its place', async () => {
    nodes = await Nodes.open(1);
    const { code } = await nodes.room(1);
    for (const player of await joinUnknown(code, BURST)) await player.closed();
    const waiting = await joinUnknown(code, 50);
    for (const player of waiting) player.drop();
    const aborts = Array.from({ length: 20 }, () => {
      const controller = new AbortController();
      const answer = fetch(`http://127.0.0.1:${nodes.playerPort}/${unknown(code)}`, {
        signal: controller.signal,
      });
      setTimeout(() => controller.abort(), 50);
      return answer.then(
        () => 'answered',
        () => 'aborted',
      );
    });
    // The budget grows by one a second, and a machine may be slow.
    expect(await Promise.all(aborts)).toContain('aborted');
    const last = await Promise.all((await joinUnknown(code, BURST)).map((player) => player.closed()));
    expect(last).toContainEqual(TOO_MANY);
    expect(nodes.failures).toEqual([]);
  });
});
