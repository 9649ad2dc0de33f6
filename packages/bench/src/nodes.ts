/** Nodes under test: gateways with rooms in memory, or several nodes and one Redis. */
import type { Cores } from './cores.ts';
import { startRedis, type RedisServer } from './redis-server.ts';
import { startGateway, startRawRelay, type Server } from './server.ts';

/** What each node runs. */
export type Program =
  /** Of this checkout when that is undefined. */
  | { readonly kind: 'gateway'; readonly isShared: boolean; readonly checkout: string | undefined }
  | { readonly kind: 'raw relay'; readonly isCorked: boolean };

export interface Nodes {
  readonly ports: readonly number[];
  readonly pids: readonly number[];
  /** undefined: rooms are in memory. */
  readonly redis: RedisServer | undefined;
  /** Resolves with its last words when any of them has ended. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Above everything that a scenario asks for: a quarter of the sockets may be hosts without a room. */
const BOUNDS = { WMBP_MAX_SOCKETS: '20000', WMBP_MAX_ROOMS: '20000', WMBP_DRAIN_NOTICE_MS: '0' };

/**
 * All nodes share a core, and the load and Redis the other.
 * @throws {SubjectError} when one does not start
 */
export async function startNodes(program: Program, count: number, cores: Cores): Promise<Nodes> {
  const hasRedis = program.kind === 'raw relay' || program.isShared;
  const redis = hasRedis ? await startRedis(cores.load) : undefined;
  const servers: Server[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await redis?.stop();
  };
  try {
    for (let i = 0; i < count; i++) servers.push(await startNode(program, redis?.url, cores));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports: servers.map(({ port }) => port),
    pids: servers.map(({ pid }) => pid),
    redis,
    ended: Promise.race(servers.map(({ ended }) => ended)),
    stop,
  };
}

function startNode(program: Program, redisUrl: string | undefined, { server }: Cores): Promise<Server> {
  if (program.kind === 'raw relay') return startRawRelay(redisUrl ?? '', program.isCorked, server);
  const settings = redisUrl === undefined ? BOUNDS : { ...BOUNDS, WMBP_REDIS_URL: redisUrl };
  return startGateway(settings, server, program.checkout);
}
