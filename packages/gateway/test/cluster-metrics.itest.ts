/** What an operator is told of the way between nodes, and of Redis, after a game whose every frame is known. */
import { afterEach, expect, test } from '@jest/globals';
import { startRedisProcess, type RedisProcess } from '@wmbp/testkit';
import { readSeries } from './fault-figures.ts';
import { Nodes } from './nodes.ts';
import { eventually } from './processes.ts';
import { RawPeer, clientFrame } from './raw-peer.ts';

const SETTLED_MS = 20_000;
const OUT = 'wmbp_link_envelopes_total{direction="out"}';
const IN = 'wmbp_link_envelopes_total{direction="in"}';
const BYTES_OUT = 'wmbp_link_bytes_total{direction="out"}';
const BYTES_IN = 'wmbp_link_bytes_total{direction="in"}';
const ITEMS = 'wmbp_link_items_total';
const KEPT = 'wmbp_link_kept_bytes';

type Series = ReadonlyMap<string, number>;

let redis: RedisProcess;
let nodes: Nodes;
let raw: RawPeer | undefined;
afterEach(async () => {
  raw?.drop();
  await nodes.close();
  await redis.stop();
});

async function open(): Promise<void> {
  redis = await startRedisProcess();
  nodes = await Nodes.open('redis', { WMBP_REDIS_URL: redis.url });
}

function readAll(): Promise<Series[]> {
  return Promise.all(nodes.gateways.map((gateway) => readSeries(gateway)));
}

/** Resolves with all series when it is so. */
async function readUntil(what: string, isSo: (all: readonly Series[]) => boolean): Promise<Series[]> {
  let all: Series[] = [];
  await eventually(what, async () => isSo((all = await readAll())), SETTLED_MS);
  return all;
}

function sum(all: readonly Series[], name: string): number {
  return all.reduce((total, series) => total + (series.get(name) ?? NaN), 0);
}

function get(all: readonly Series[], index: number, name: string): number {
  return all[index]?.get(name) ?? NaN;
}

/** Everything has arrived, and whoever sent it knows. */
function isSettled(all: readonly Series[]): boolean {
  return sum(all, KEPT) === 0 && sum(all, OUT) === sum(all, IN);
}

test('envelopes, items and bytes are counted at both ends; what one turn has for a node is one publish', async () => {
  await open();
  const host = await RawPeer.upgraded(nodes.portAt(0), '/CREATE');
  raw = host;
  await host.frame();
  await host.write(clientFrame(0x81, Buffer.from('{"cmd":"prepare","max_players":9}')));
  await host.frame();
  const code = (await host.frame())?.payload.toString('latin1').slice(-4) ?? '';
  const players = [await nodes.player(code, nodes.portAt(1)), await nodes.player(code, nodes.portAt(1))];
  for (const player of players) player.send('hello');
  // Each player: joined, its state, and its word.
  for (let i = 0; i < 6; i += 1) await host.frame();
  const before = await readUntil('all to be settled', isSettled);
  expect([get(before, 0, ITEMS), get(before, 1, ITEMS), get(before, 2, ITEMS)]).toEqual([2, 4, 0]);
  expect([get(before, 0, 'wmbp_links'), get(before, 1, 'wmbp_links'), get(before, 2, 'wmbp_links')]).toEqual([
    1, 1, 0,
  ]);

  const word = clientFrame(0x81, Buffer.from('{"cmd":"to_str","to":[],"data":"a word"}'));
  await host.write(Buffer.concat(Array.from({ length: 20 }, () => word)));
  for (const player of players)
    for (let i = 0; i < 20; i += 1) expect(await player.nextText()).toBe('a word');
  const after = await readUntil('all to be settled', isSettled);
  const grown = (index: number, name: string): number => get(after, index, name) - get(before, index, name);
  // Where the machine is slow the answer is asked for, by an envelope without items.
  const questions = grown(0, 'wmbp_link_suspicions_total{cause="silent"}');
  expect([grown(0, ITEMS), grown(0, OUT) - questions]).toEqual([20, 1]);
  expect([grown(1, ITEMS), grown(1, OUT)]).toEqual([0, grown(0, IN)]);
  expect(grown(1, IN)).toBe(grown(0, OUT));
  expect(grown(1, OUT)).toBeGreaterThan(0);
  expect(grown(0, BYTES_OUT)).toBeGreaterThan(20 * 'a word'.length);
  expect([grown(1, BYTES_IN), grown(0, BYTES_IN)]).toEqual([grown(0, BYTES_OUT), grown(1, BYTES_OUT)]);
  expect([get(after, 2, OUT), get(after, 2, IN)]).toEqual([0, 0]);
});

test('operations of the store by result and duration, subscriptions, and the nodes whose leases are watched', async () => {
  await open();
  const host = await nodes.host(nodes.portAt(0));
  const code = await host.prepare(9);
  await nodes.joined(host, code, nodes.portAt(1));
  await fetch(`http://127.0.0.1:${nodes.portAt(2)}/${code}`);
  const all = await readUntil('leases to be looked at', (each) => get(each, 0, 'wmbp_peer_nodes') === 1);
  const operations = (index: number): Record<string, number> =>
    Object.fromEntries([...(all[index] ?? [])].filter(([name]) => name.startsWith('wmbp_store_operations')));
  const count = (operation: string, result: string): string =>
    `wmbp_store_operations_total{operation="${operation}",result="${result}"}`;
  expect(operations(0)).toEqual({ [count('create', 'ok')]: 1, [count('create', 'failed')]: 0 });
  expect(operations(1)).toEqual({ [count('join', 'ok')]: 1, [count('join', 'failed')]: 0 });
  expect(operations(2)).toEqual({ [count('find', 'ok')]: 1, [count('find', 'failed')]: 0 });
  const seconds = 'wmbp_store_operation_seconds_total{operation="create",result="ok"}';
  expect(get(all, 0, seconds)).toBeGreaterThan(0);
  expect(all.map((series) => series.get('wmbp_subscriptions'))).toEqual([1, 1, 0]);
  await readUntil('probes', (each) => get(each, 0, 'wmbp_probes_total{result="sent"}') > 0);

  host.command({ cmd: 'stop' });
  await readUntil('nobody to be heard or watched any more', (each) =>
    ['wmbp_subscriptions', 'wmbp_links', 'wmbp_peer_nodes', KEPT].every((name) => sum(each, name) === 0),
  );
});

test('an outage shows: what failed, what is kept, what was sent and said again, and which rooms were restored', async () => {
  await open();
  const host = await nodes.host(nodes.portAt(0));
  const code = await host.prepare(9);
  const { player, id } = await nodes.joined(host, code, nodes.portAt(1));
  await readUntil('all to be settled', isSettled);

  redis.signal('SIGKILL');
  await readUntil('redis to be missed', (each) =>
    each.every((series) => series.get('wmbp_redis_reached') === 0),
  );
  host.command({ cmd: 'to_str', to: [id], data: Buffer.from('meanwhile') });
  expect((await fetch(`http://127.0.0.1:${nodes.portAt(2)}/${code}`)).status).toBe(503);
  const away = await readAll();
  expect(get(away, 0, KEPT)).toBeGreaterThan('meanwhile'.length);
  expect(get(away, 2, 'wmbp_store_operations_total{operation="find",result="failed"}')).toBe(1);
  await readUntil(
    'the link to be suspected',
    (each) => get(each, 0, 'wmbp_link_suspicions_total{cause="failed"}') > 0,
  );

  await redis.restart();
  expect(await player.nextText()).toBe('meanwhile');
  const back = await readUntil(
    'the room to be restored',
    (each) => get(each, 0, 'wmbp_restored_rooms_total') === 1,
  );
  expect(get(back, 0, 'wmbp_link_resent_items_total')).toBeGreaterThan(0);
  const settled = await readUntil(
    'both nodes to have said what they hold, and all to have arrived',
    (each) => get(each, 1, 'wmbp_assertions_total') > 0 && sum(each, KEPT) === 0,
  );
  expect(get(settled, 0, 'wmbp_assertions_total')).toBeGreaterThan(0);
  expect(sum(settled, 'wmbp_links_lost_total')).toBe(0);
  expect(sum(settled, 'wmbp_link_overflows_total')).toBe(0);
});
