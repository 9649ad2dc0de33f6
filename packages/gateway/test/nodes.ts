/** Whole gateways in this process for tests, and the two ways in which a game can sit on them. */
import { afterAll } from '@jest/globals';
import { type PlayerId } from '@wmbp/protocol';
import { startBalancer, startRedis, TestHost, TestPeer, type Balancer, type TestRedis } from '@wmbp/testkit';
import { readConfig } from '../src/config.ts';
import { openGateway, type Gateway } from '../src/gateway.ts';
import { type Log } from '../src/log.ts';
import { MemoryCluster } from '../src/memory/cluster.ts';
import { type NodeId } from '../src/names.ts';
import { openRedis } from '../src/redis/cluster.ts';
import { type Shared } from '../src/shared.ts';
import { type GatedStore } from './gated-store.ts';

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: object;
}

/** Gateways over one store and one backplane. The test that opens them closes them. */
export class Nodes {
  readonly gateways: Gateway[];
  readonly log: LoggedLine[];
  readonly #peers: TestPeer[] = [];

  readonly #balancer: Balancer | undefined;

  private constructor(gateways: Gateway[], log: LoggedLine[], balancer: Balancer | undefined) {
    this.gateways = gateways;
    this.log = log;
    this.#balancer = balancer;
  }

  /** @param gate stands before the store that the gateways share */
  static async open(
    arrangement: Arrangement,
    settings: Readonly<Record<string, string>> = {},
    gate?: GatedStore,
  ): Promise<Nodes> {
    const log: LoggedLine[] = [];
    const isRedis = arrangement === 'redis';
    const ports = { WMBP_HOST: '127.0.0.1', WMBP_PORT: '0', WMBP_ADMIN_PORT: '0' };
    const redis = isRedis ? { WMBP_REDIS_URL: await redisUrl() } : {};
    const config = readConfig({ ...ports, ...redis, ...settings });
    const cluster = new MemoryCluster();

    function share(node: NodeId, onReturn: () => void): Shared {
      const shared = config.redis
        ? openRedis(config.redis, node, recorder(log), () => undefined, onReturn)
        : cluster.open(node);
      return gate ? { ...shared, store: gate.around(shared.store) } : shared;
    }
    // Nodes over Redis need no help to find each other.
    const sharing = isRedis && !gate ? undefined : share;
    const gateways: Gateway[] = [];
    for (let i = 0; i < (isRedis ? 3 : arrangement); i += 1) {
      gateways.push(await openGateway(config, recorder(log), sharing));
    }
    const balancer = isRedis ? await startBalancer(gateways.map(({ port }) => port)) : undefined;
    return new Nodes(gateways, log, balancer);
  }

  /** Where players go. */
  get playerPort(): number {
    return this.#balancer?.port ?? portOf(this.gateways.at(-1));
  }

  get hostPort(): number {
    return this.#balancer?.port ?? portOf(this.gateways[0]);
  }

  /** Where this node itself is reached, past a balancer. */
  portAt(index: number): number {
    return portOf(this.gateways[index]);
  }

  /** A host that has its first `state` behind it. */
  async host(port = this.hostPort): Promise<TestHost> {
    const host = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
    this.#peers.push(host);
    await host.opened();
    await host.expect('state');
    return host;
  }

  /** A host with an open room. */
  async room(maxPlayers: number, name = ''): Promise<{ host: TestHost; code: string }> {
    const host = await this.host();
    return { host, code: await host.prepare(maxPlayers, name) };
  }

  /** A player's socket, on its way; whether it is admitted shows. */
  async player(code: string, port = this.playerPort): Promise<TestPeer> {
    const player = new TestPeer(`ws://127.0.0.1:${port}/${code}`);
    this.#peers.push(player);
    return player.opened();
  }

  /** A player that its host has been told of; takes the host's two events. */
  async joined(
    host: TestHost,
    code: string,
    port = this.playerPort,
  ): Promise<{ player: TestPeer; id: PlayerId }> {
    const player = await this.player(code, port);
    const { player: id } = await host.expect('player_joined');
    await host.expect('state');
    return { player, id };
  }

  /** As `joined`, to a seat that another node is giving up at this moment: comes back while the room is full. */
  async joinedSoon(host: TestHost, code: string): Promise<{ player: TestPeer; id: PlayerId }> {
    const joined = host.expect('player_joined');
    for (;;) {
      const player = await this.player(code);
      const closed = player.closed().then(
        () => undefined,
        () => undefined,
      );
      const event = await Promise.race([joined, closed]);
      if (!event) continue;
      await host.expect('state');
      return { player, id: event.player };
    }
  }

  /** Errors logged are failures of ours: there must be none. */
  get failures(): LoggedLine[] {
    return this.log.filter(({ level }) => level === 'error');
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.drop();
    await this.#balancer?.stop();
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
  }
}

/** The reasons and addresses that a log names, each once. */
export function addressesIn(log: readonly LoggedLine[]): string[] {
  const named = log
    .filter(({ event }) => event === 'turned away by address')
    .flatMap(({ fields }) => (fields as { addresses: { why: string; address: string }[] }).addresses);
  return [...new Set(named.map(({ why, address }) => `${why} ${address}`))].sort();
}

function portOf(gateway: Gateway | undefined): number {
  if (!gateway) throw new Error('no gateway is open');
  return gateway.port;
}

function recorder(lines: LoggedLine[]): Log {
  const at = (level: LoggedLine['level']) => (fields: object, event: string) =>
    void lines.push({ level, event, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/**
 * One node; two, with hosts on the first and players on the second; or three over Redis behind a balancer, where
 * everybody lands on the next.
 */
export type Arrangement = 1 | 2 | 'redis';

/** Every test of what peers see runs in each: wherever they sit, nobody can tell. */
export const ARRANGEMENTS: readonly (readonly [string, Arrangement])[] = [
  ['on one node', 1],
  ['on two nodes', 2],
  ['on three nodes over Redis, balanced', 'redis'],
];

let redis: Promise<TestRedis> | undefined;

/** One Redis for all tests of a file; room codes are random, so they do not meet. */
export async function redisUrl(): Promise<string> {
  redis ??= startRedis();
  return (await redis).url;
}

afterAll(async () => {
  await (await redis)?.stop();
});
