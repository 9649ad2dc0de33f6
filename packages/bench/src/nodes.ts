/** Gateways under test: one with rooms in memory, or several and one Redis. */
import type { Cores } from './cores.ts';
import { startRedis, type RedisServer } from './redis-server.ts';
import { startGateway, type Server } from './server.ts';

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
 * All gateways share a core, and the load and Redis the other.
 * @param checkout whose gateways they are; by default this one's
 * @throws {SubjectError} when one does not start
 */
export async function startNodes(
  count: number,
  isShared: boolean,
  cores: Cores,
  checkout?: string,
): Promise<Nodes> {
  const redis = isShared ? await startRedis(cores.load) : undefined;
  const servers: Server[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await redis?.stop();
  };
  try {
    const settings = redis ? { ...BOUNDS, WMBP_REDIS_URL: redis.url } : BOUNDS;
    for (let i = 0; i < count; i++) servers.push(await startGateway(settings, cores.server, checkout));
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
