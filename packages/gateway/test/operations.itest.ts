/** What an operator's tools are told, after a small game whose every frame is known. */
import { totalmem } from 'node:os';
import { afterEach, expect, test } from '@jest/globals';
import { playerId } from '@wmbp/protocol';
import { Nodes } from './nodes.ts';

let nodes: Nodes;
afterEach(() => nodes.close());

function ask(path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${nodes.gateways[0]?.adminPort}${path}`, { method });
}

/** Sample name with its labels → value. @throws {Error} on a line that is not Prometheus text */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    if (/^# (HELP|TYPE) \w+ /.test(line) || line === '') continue;
    const match = /^(\w+(?:\{(?:\w+="(?:[^"\\\n]|\\.)*",?)+\})?) (\S+)$/.exec(line);
    // `Nan` is what prom-client says of a mean of nothing; Prometheus reads it in any case.
    if (!match?.[1] || (Number.isNaN(Number(match[2])) && match[2] !== 'Nan'))
      throw new Error(`no sample: ${line}`);
    if (samples.has(match[1])) throw new Error(`twice: ${match[1]}`);
    samples.set(match[1], Number(match[2]));
  }
  return samples;
}

async function metrics(): Promise<Map<string, number>> {
  return parse(await (await ask('/metrics')).text());
}

test('/healthz and /readyz say yes, in plain text, also to HEAD', async () => {
  nodes = await Nodes.open(1);
  for (const [path, body] of [
    ['/healthz', 'ok\n'],
    ['/readyz', 'ready\n'],
  ] as const) {
    const answer = await ask(path);
    expect([answer.status, await answer.text()]).toEqual([200, body]);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const head = await ask(path, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
  }
  expect((await ask('/metrics', 'HEAD')).status).toBe(200);
});

test('a node that drains is alive and not ready, and says why', async () => {
  nodes = await Nodes.open(1, { WMBP_DRAIN_NOTICE_MS: '200' });
  const drained = nodes.gateways[0]?.drain();
  const ready = await ask('/readyz');
  expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
  expect((await ask('/healthz')).status).toBe(200);
  await drained;
});

test('anything else is 404, and none of it is on the public listener', async () => {
  nodes = await Nodes.open(1);
  for (const path of ['/', '/ABCD', '/CREATE', '/metrics/', '/healthz/x'])
    expect((await ask(path)).status).toBe(404);
  expect((await ask('/healthz', 'POST')).status).toBe(404);
  for (const path of ['/healthz', '/readyz', '/metrics']) {
    expect((await fetch(`http://127.0.0.1:${nodes.playerPort}${path}`)).status).toBe(400);
  }
  await expect(
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${nodes.gateways[0]?.adminPort}/CREATE`);
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('refused'));
    }),
  ).rejects.toThrow('refused');
});

test('/metrics counts a game to the frame and the byte', async () => {
  nodes = await Nodes.open(1);
  const { host, code } = await nodes.room(2, 'quiz');
  const { player, id } = await nodes.joined(host, code);
  const before = await metrics();
  player.send('12345');
  await host.expect('from_str');
  player.send(Uint8Array.of(1, 2, 3));
  await host.expect('from');
  host.command({ cmd: 'to_str', to: [playerId(id)], data: Buffer.from('1234567') });
  await player.nextText();
  host.send('nonsense');
  await host.expect('error');
  const after = await metrics();
  const grown = (sample: string): number => (after.get(sample) ?? 0) - (before.get(sample) ?? 0);
  expect(grown('wmbp_frames_total{peer="player",direction="in"}')).toBe(2);
  expect(grown('wmbp_frame_bytes_total{peer="player",direction="in"}')).toBe(8);
  expect(grown('wmbp_frames_total{peer="player",direction="out"}')).toBe(1);
  expect(grown('wmbp_frame_bytes_total{peer="player",direction="out"}')).toBe(7);
  expect(grown('wmbp_frames_total{peer="host",direction="in"}')).toBe(2);
  expect(grown('wmbp_frames_total{peer="host",direction="out"}')).toBe(3);
  expect(grown('wmbp_invalid_commands_total')).toBe(1);
  expect(after.get('wmbp_sockets{peer="host"}')).toBe(1);
  expect(after.get('wmbp_sockets{peer="player"}')).toBe(1);
  expect(after.get('wmbp_rooms')).toBe(1);
  expect(after.get('wmbp_players')).toBe(1);
  expect(after.get('wmbp_rooms_opened_total')).toBe(1);

  await (await nodes.player('QQQQ')).closed();
  await (await nodes.player('nothing')).closed();
  await fetch(`http://127.0.0.1:${nodes.playerPort}/${code}`);
  await fetch(`http://127.0.0.1:${nodes.playerPort}/QQQQ`);
  player.close(4321, 'a code of its own');
  await host.expect('player_left');
  host.command({ cmd: 'stop' });
  await host.expect('state');
  await host.closed();
  const last = await metrics();
  expect(last.get('wmbp_refusals_total{reason="roomNotFound"}')).toBe(1);
  expect(last.get('wmbp_refusals_total{reason="notARoom"}')).toBe(1);
  expect(last.get('wmbp_lookups_total{status="200"}')).toBe(1);
  expect(last.get('wmbp_lookups_total{status="404"}')).toBe(1);
  expect(last.get('wmbp_closes_total{by="server",code="4501"}')).toBe(1);
  expect(last.get('wmbp_closes_total{by="server",code="1001"}')).toBe(1);
  expect(last.get('wmbp_closes_total{by="peer",code="0"}')).toBe(1);
  for (const gauge of ['wmbp_rooms', 'wmbp_players', 'wmbp_unsent_bytes', 'wmbp_sockets{peer="host"}']) {
    expect([gauge, last.get(gauge)]).toEqual([gauge, 0]);
  }
  for (const figure of [
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'process_open_fds',
    'nodejs_eventloop_lag_p99_seconds',
  ]) {
    expect(last.get(figure)).toBeGreaterThan(0);
  }
});

test('/metrics says what the node is, and what it is bounded by', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_SOCKETS: '70', WMBP_MAX_ROOMS: '1', WMBP_DRAIN_NOTICE_MS: '200' });
  const before = await metrics();
  expect(
    [...before.keys()].filter((name) => /^wmbp_build_info\{version="\d+\.\d+\.\d+"\}$/.test(name)),
  ).toHaveLength(1);
  expect(before.get('wmbp_max_sockets')).toBe(70);
  expect(before.get('wmbp_max_rooms')).toBe(1);
  expect(before.get('wmbp_max_unsent_bytes')).toBe(1024 ** 3);
  expect(before.get('wmbp_max_link_bytes')).toBe(256 * 1024 ** 2);
  expect(before.get('wmbp_memory_limit_bytes')).toBeGreaterThan(1024 ** 2);
  expect(before.get('wmbp_memory_limit_bytes')).toBeLessThanOrEqual(totalmem());
  expect([before.get('wmbp_ready'), before.get('wmbp_draining')]).toEqual([1, 0]);
  // Rooms are in memory: there is no Redis to reach.
  expect([...before.keys()].filter((name) => name.includes('redis'))).toEqual([]);

  const drained = nodes.gateways[0]?.drain();
  const after = await metrics();
  expect([after.get('wmbp_ready'), after.get('wmbp_draining')]).toEqual([0, 1]);
  await drained;
});

test('who is refused and who is sent away is counted by reason, each from 0 on', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_ROOMS: '1' });
  const before = await metrics();
  const refusals = [...before.keys()].filter((name) => name.startsWith('wmbp_refusals_total'));
  const expulsions = [...before.keys()].filter((name) => name.startsWith('wmbp_expulsions_total'));
  expect([...refusals, ...expulsions].map((name) => before.get(name))).toEqual(
    Array.from({ length: 19 }, () => 0),
  );
  expect(before.get('wmbp_closes_total{by="server",code="4003"}')).toBe(0);

  const { code } = await nodes.room(0);
  await (await nodes.player(code)).closed();
  const second = await nodes.host();
  await expect(second.prepare(1)).rejects.toThrow('stop');
  await second.closed();
  const after = await metrics();
  const grown = [...refusals, ...expulsions].filter((name) => after.get(name) !== 0);
  expect(grown).toEqual([
    'wmbp_refusals_total{reason="roomFull"}',
    'wmbp_expulsions_total{reason="tooManyRooms"}',
  ]);
});

test('what peers say makes no samples up', async () => {
  nodes = await Nodes.open(1);
  const ours = async (): Promise<number> =>
    [...(await metrics()).keys()].filter((name) => name.startsWith('wmbp_')).length;
  const samples = await ours();
  for (let code = 3000; code < 3040; code += 1) {
    const host = await nodes.host();
    host.close(code, 'x');
    await host.closed();
  }
  expect(await ours()).toBeLessThanOrEqual(samples + 2);
});
