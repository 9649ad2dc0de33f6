/** What games cost the Redis between nodes: nothing where nobody elsewhere is concerned, and never more than may be kept. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CLOSE, type HostEvent } from '@wmbp/protocol';
import { startRedisProcess, within, type RedisProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { readSeries } from './fault-figures.ts';
import { Nodes } from './nodes.ts';
import { eventually } from './processes.ts';
import { arrived } from './wire.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SETTLED_MS = 20_000;

let redis: RedisProcess;
let nodes: Nodes | undefined;
let watch: CommandWatch | undefined;
beforeEach(async () => {
  redis = await startRedisProcess();
});
afterEach(async () => {
  watch?.close();
  watch = undefined;
  await nodes?.close();
  nodes = undefined;
  await redis.stop();
});

async function open(settings: Readonly<Record<string, string>> = {}): Promise<Nodes> {
  nodes = await Nodes.open('redis', { WMBP_REDIS_URL: redis.url, ...settings });
  return nodes;
}

/** Everything that has been said has arrived, and whoever said it knows. */
async function settled({ gateways }: Nodes): Promise<void> {
  const isSettled = async (): Promise<boolean> => {
    const all = await Promise.all(gateways.map((gateway) => readSeries(gateway)));
    return all.every((series) => series.get('wmbp_link_kept_bytes') === 0);
  };
  await eventually('links to be settled', isSettled, SETTLED_MS);
}

/** No envelope is on its way. */
async function quiet({ gateways }: Nodes): Promise<void> {
  const isQuiet = async (): Promise<boolean> => {
    const all = await Promise.all(gateways.map((gateway) => readSeries(gateway, 'wmbp_link_envelopes')));
    const sum = (way: string): number =>
      all.reduce(
        (total, series) => total + (series.get(`wmbp_link_envelopes_total{direction="${way}"}`) ?? NaN),
        0,
      );
    return sum('out') === sum('in');
  };
  await eventually('the last acknowledgement', isQuiet, SETTLED_MS);
}

/** Every command that this Redis is given. */
class CommandWatch {
  readonly commands: string[] = [];
  readonly #client: Redis;
  readonly #monitor: Redis;
  #wake: () => void = () => undefined;

  private constructor(client: Redis, monitor: Redis) {
    this.#client = client;
    this.#monitor = monitor;
    monitor.on('monitor', (_time: string, args: string[]) => {
      this.commands.push(args.join(' '));
      this.#wake();
    });
  }

  static async open(url: string): Promise<CommandWatch> {
    const client = new Redis(url);
    return new CommandWatch(client, await client.monitor());
  }

  /** Those that concern one of these rooms. */
  about(codes: readonly string[]): string[] {
    return this.commands.filter((command) => codes.some((code) => command.includes(`:${code}`)));
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const watching = async (): Promise<void> => {
      while (!isSo()) await new Promise<void>((resolve) => (this.#wake = resolve));
    };
    await within(what, watching());
  }

  close(): void {
    this.#client.disconnect();
    this.#monitor.disconnect();
  }
}

test('frames between peers of one node are no Redis operation, and one to another node is one publish', async () => {
  const { gateways } = await open();
  const here = nodes as Nodes;
  const host = await here.host(here.portAt(0));
  const code = await host.prepare(9);
  const beside = await here.joined(host, code, here.portAt(0));
  const away = await here.joined(host, code, here.portAt(1));
  await settled(here);
  await quiet(here);
  watch = await CommandWatch.open(redis.url);
  for (let i = 0; i < 50; i += 1) {
    beside.player.send(`${i}`);
    expect(await host.expect('from_str')).toMatchObject({ data: `${i}` });
    host.command({ cmd: 'to_str', to: [beside.id], data: Buffer.from(`${i}`) });
    expect(await beside.player.nextText()).toBe(`${i}`);
  }
  // What would have been said before comes before this on the same connection.
  host.command({ cmd: 'to_str', to: [away.id], data: Buffer.from('elsewhere') });
  expect(await away.player.nextText()).toBe('elsewhere');
  const items = await Promise.all(gateways.map((gateway) => readSeries(gateway, 'wmbp_link_items_total')));
  expect(items.map((series) => series.get('wmbp_link_items_total'))).toEqual([2, 1, 0]);
  const [first = ''] = watch.about([code]);
  expect(first).toMatch(/^publish .*elsewhere/i);
});

test('between rooms in which nobody speaks nothing is published, however many they are', async () => {
  const here = await open();
  const codes: string[] = [];
  for (let i = 0; i < 30; i += 1) {
    const host = await here.host(here.portAt(i % 3));
    const code = await host.prepare(9);
    const { player } = await here.joined(host, code, here.portAt((i + 1) % 3));
    player.send('a word');
    await host.expect('from_str');
    codes.push(code);
  }
  await settled(here);
  await quiet(here);
  watch = await CommandWatch.open(redis.url);
  const { commands } = watch;
  // Nodes look at each other, and at what they hear: so long nothing else is said.
  const count = (part: string): number => commands.filter((command) => command.includes(part)).length;
  await watch.until('three rounds of probes', () => count(':probe:') >= 3 * 3);
  await watch.until('a round of leases', () => count('wmbp:nodes') >= 3);
  // Rooms are kept alive every few minutes, and said again where Redis was slow to answer.
  expect(watch.about(codes).filter((command) => /^publish/i.test(command))).toEqual([]);
});

test('links keep no more than WMBP_MAX_LINK_BYTES: who would have a hole is closed, and nobody else', async () => {
  const here = await open({
    WMBP_MAX_LINK_BYTES: String(MIB),
    WMBP_MAX_FRAME_BYTES: String(64 * KIB),
  });
  const host = await here.host(here.portAt(0));
  const code = await host.prepare(9);
  const talker = await here.joined(host, code, here.portAt(1));
  const silent = await here.joined(host, code, here.portAt(1));
  const neighbour = await here.host(here.portAt(0));
  const guest = await here.joined(neighbour, await neighbour.prepare(9), here.portAt(1));
  await settled(here);

  redis.signal('SIGSTOP');
  const padding = 'x'.repeat(60 * KIB);
  const closed = new Promise((resolve) => talker.player.socket.once('close', resolve));
  let sent = 0;
  while (talker.player.socket.readyState === talker.player.socket.OPEN && talker.player.waiting === 0) {
    talker.player.send(`${sent}:${padding}`);
    sent += 1;
    await Promise.race([arrived(talker.player).catch(() => undefined), closed]);
  }
  expect(await talker.player.closed()).toEqual(CLOSE.linkLost);
  const [, gateway] = here.gateways;
  const series = await readSeries(gateway as (typeof here.gateways)[number], 'wmbp_link');
  expect(series.get('wmbp_link_overflows_total')).toBe(1);
  expect(series.get('wmbp_link_kept_bytes')).toBeGreaterThan(MIB - 128 * KIB);
  expect(series.get('wmbp_link_kept_bytes')).toBeLessThan(MIB + 128 * KIB);
  redis.signal('SIGCONT');

  const numbers: string[] = [];
  let event: HostEvent = await host.nextEvent();
  for (; event.cmd === 'from_str'; event = await host.nextEvent()) {
    expect(event.from).toBe(talker.id);
    numbers.push(String(event.data).split(':')[0] ?? '');
  }
  expect(event).toEqual({ cmd: 'player_left', player: talker.id });
  // All but the one that could not be kept, and whatever came before the close.
  expect(numbers).toEqual(numbers.map((_, i) => `${i}`));
  expect(numbers.length).toBeGreaterThan(10);
  expect(numbers.length).toBeLessThan(sent);
  await host.expect('state');
  // What was kept is forgotten when it is acknowledged; until then there is no room for anybody.
  await settled(here);
  silent.player.send('still here');
  expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: silent.id, data: 'still here' });
  guest.player.send('so am I');
  expect(await neighbour.nextEvent()).toEqual({ cmd: 'from_str', from: guest.id, data: 'so am I' });
});
