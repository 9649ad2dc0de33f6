/**
 * Connections to Redis, with every default of ioredis 6 that would lose, double or hang something set.
 *
 * - No queue while disconnected, and nothing sent again after a reconnect: a publish would arrive twice, or before
 *   the subscribers are back. Who needs an answer gets one in a bounded time.
 * - Every command has a timeout: without it one in flight may never settle.
 * - A master that hangs, rather than dies, is left only with `failoverDetector` (Sentinel) or slot refreshes
 *   (Cluster). A connection that answers nothing is found by pinging it, and replaced.
 * - Subscriptions are made again by us after every reconnect, explicitly.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { type Log } from '../log.ts';
import { Unavailable } from '../unavailable.ts';
import { type RedisTarget } from './url.ts';

export type RedisClient = Redis | Cluster;

/** What a create, a join or a look-up waits for Redis at most, twice: to be there, and to answer. */
export const COMMAND_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 3000;
const PING_EVERY_MS = 2000;
const MAX_RETRY_MS = 1000;
const SLOTS_REFRESH_MS = 2000;

const BASE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  // A failover made the server we are connected to a replica: ask again who is the master.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  retryStrategy: retryAfterMs,
} satisfies RedisOptions;

export interface RedisConnection {
  readonly client: RedisClient;
  /** Resolves at once, or as soon as commands can be sent. @throws {Unavailable} when that takes too long */
  ready(): Promise<void>;
  /** Waits for answers that are due, then disconnects. */
  close(): Promise<void>;
}

/**
 * One connection (to a Cluster: one to each of its nodes) by the name of its purpose.
 * @param onReady called whenever commands can be sent again, the first time too
 */
export function connect(
  target: RedisTarget,
  purpose: string,
  log: Log,
  onReady: () => void,
): RedisConnection {
  const client = open(target, `wmbp-${purpose}`);
  let isDown = false;
  let unanswered = 0;
  client.on('ready', () => {
    unanswered = 0;
    if (isDown) log.info({ purpose }, 'redis is back');
    isDown = false;
    onReady();
  });
  function onTrouble(error?: unknown): void {
    if (isDown || client.status === 'end') return;
    isDown = true;
    log.warn({ purpose, error: error instanceof Error ? error.message : undefined }, 'redis is out of reach');
  }
  client.on('error', onTrouble);
  client.on('close', onTrouble);

  const pinger = setInterval(() => {
    if (client.status !== 'ready') return;
    client.ping().then(
      () => (unanswered = 0),
      () => {
        unanswered += 1;
        if (unanswered >= 2 && client.status === 'ready') client.disconnect(true);
      },
    );
  }, PING_EVERY_MS);
  pinger.unref();

  return {
    client,
    ready: () => ready(client),
    close: async () => {
      clearInterval(pinger);
      if (client.status === 'ready') await client.quit().catch(() => undefined);
      client.disconnect();
    },
  };
}

/** What Redis or the way to it answered instead of a result. A mistake of ours stays what it is. */
export function asUnavailable(what: string, error: unknown): unknown {
  if (error instanceof Unavailable) return error;
  const text = String(error);
  if (/^ReplyError: (ERR|WRONGTYPE)/.test(text)) return error;
  return new Unavailable(`${what}: ${text}`, { cause: error });
}

function open(target: RedisTarget, connectionName: string): RedisClient {
  const { addresses, username, password, database, isTls } = target;
  const options = {
    ...BASE,
    connectionName,
    username,
    password,
    db: database,
    ...(isTls ? { tls: {} } : {}),
  } satisfies RedisOptions;
  const [first = { host: '127.0.0.1', port: 6379 }] = addresses;
  switch (target.kind) {
    case 'standalone':
      return new Redis({ ...options, ...first });
    case 'sentinel':
      return new Redis({
        ...options,
        enableTLSForSentinelMode: isTls,
        sentinels: [...addresses],
        name: target.name,
        failoverDetector: true,
        sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
        sentinelRetryStrategy: retryAfterMs,
        sentinelReconnectStrategy: retryAfterMs,
      });
    case 'cluster': {
      const { enableOfflineQueue: _queue, retryStrategy: _retry, ...redisOptions } = options;
      return new Cluster([...addresses], {
        enableOfflineQueue: false,
        shardedSubscribers: true,
        slotsRefreshInterval: SLOTS_REFRESH_MS,
        slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
        clusterRetryStrategy: retryAfterMs,
        redisOptions,
      });
    }
  }
}

function retryAfterMs(attempt: number): number {
  const jitter = 0.5 + Math.random();
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RETRY_MS) * jitter;
}

async function ready(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return;
  let timer: NodeJS.Timeout | undefined;
  let onReady = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onReady = resolve;
      client.once('ready', onReady);
      timer = setTimeout(() => reject(new Unavailable('redis is out of reach')), COMMAND_TIMEOUT_MS);
    });
  } finally {
    clearTimeout(timer);
    client.off('ready', onReady);
  }
}
