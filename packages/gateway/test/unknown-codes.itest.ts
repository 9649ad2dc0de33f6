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

test('sixty joins are answered at once, the next two seconds later and as too many; a right code never waits', async () => {
  nodes = await Nodes.open(1);
  const { host, code } = await nodes.room(8, 'quiz');
  for (const player of await joinUnknown(code, BURST)) expect(await player.closed()).toEqual(NOT_FOUND);

  const startedMs = performance.now();
  const [late] = await joinUnknown(code, 1);
  const lateLookUp = lookUp(unknown(code));
  await nodes.joined(host, code);
  expect(await (await lookUp(code)).text()).toBe('quiz');
  expect(performance.now() - startedMs).toBeLessThan(1500);

  expect(await late?.closed()).toEqual(TOO_MANY);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1990);
  const answer = await lateLookUp;
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([429, '*']);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  // Two seconds have brought two more.
  expect((await lookUp(unknown(code))).status).toBe(404);
  expect(nodes.failures).toEqual([]);
});

describe('what does not count', () => {
  test('full and started rooms', async () => {
    nodes = await Nodes.open(1);
    const { host, code } = await nodes.room(1);
    await nodes.joined(host, code);
    for (let i = 0; i < BURST + 10; i += 1) {
      expect((await (await nodes.player(code)).closed()).code).toBe(4502);
    }
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
    expect(new Set(await Promise.all(aborts))).toEqual(new Set(['aborted']));
    const [last] = await joinUnknown(code, 1);
    expect(await last?.closed()).toEqual(TOO_MANY);
    expect(nodes.failures).toEqual([]);
  });
});
