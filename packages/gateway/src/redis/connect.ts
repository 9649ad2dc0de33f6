/**
 * Connections to Redis, with every default of ioredis 6 that would lose, double or hang something set.
 *
 * - No queue while disconnected, and nothing sent again after a reconnect: a publish would arrive twice, or before
 *   the subscribers are back. Who needs an answer gets one in a bounded time.
 * - Every command has a timeout: without it one in flight may never settle. What is published has none: nobody waits for
 *   the answer, and a connection that is dead is found by pinging it.
 * - A master that was made a replica may keep its connections, and takes what is published there to nobody else. Who
 *   publishes asks whether it takes writes, and goes to look for the master.
 * - A master that hangs, rather than dies, is left only with `failoverDetector` (Sentinel) or slot refreshes
 *   (Cluster). A connection that answers nothing is found by pinging it, and replaced.
 * - Subscriptions are made again by us after every reconnect, explicitly.
 * - To follow ASK, ioredis says ASKING and leaves the promise of it to nobody: it is dealt with here. On a connection that
 *   hears, where only subscriptions may be said, ASK is not followed at all.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { type Log } from '../log.ts';
import { RoomMoving, Unavailable } from '../unavailable.ts';
import { answerIn, isMoving } from './redirections.ts';
import { isRefusal, type Rights } from './rights.ts';
import { type RedisTarget } from './url.ts';

export type RedisClient = Redis | Cluster;

/** What a create, a join or a look-up waits for Redis at most, twice: to be there, and to answer. */
export const COMMAND_TIMEOUT_MS = 2000;
const CONNECT_TIMEOUT_MS = 3000;
const PING_EVERY_MS = 2000;
const MAX_UNANSWERED = 2;
const MAX_RETRY_MS = 1000;
const SLOTS_REFRESH_MS = 2000;
const MAX_REDIRECTIONS = 16;
const TRY_AGAIN_MS = 50;
/** In a Cluster, how long ioredis follows the redirections of one command. */
export const REDIRECTED_MS = MAX_REDIRECTIONS * TRY_AGAIN_MS;

const BASE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  // It would tell the library's name, which servers before 7.2 refuse, and a user of few rights may not.
  disableClientInfo: true,
  // Pub/sub in RESP3 brings nothing and costs more to read.
  protocol: 2,
  // A failover made the server we are connected to a replica: ask again who is the master.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  retryStrategy: retryAfterMs,
} satisfies RedisOptions;

export interface ConnectionUse {
  /** Called whenever commands can be sent again, the first time too. */
  onReady?(): void;
  /** Resolves when everything sent so far is answered. For who has taken the connection over from ioredis. */
  ping?(): Promise<unknown>;
  /** Nothing but subscriptions is said; in a Cluster, who says them deals with redirections. */
  readonly hears?: boolean;
  /** Learns of what is refused. */
  readonly rights?: Rights;
}

/** One connection (to a Cluster: one to each of its nodes) by the name of its purpose. */
export class RedisConnection {
  readonly client: RedisClient;
  readonly #purpose: string;
  readonly #log: Log;
  readonly #use: ConnectionUse;
  readonly #pinger: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  #isReady = false;
  #isClosed = false;
  #isDown = false;
  #unanswered = 0;

  constructor(target: RedisTarget, purpose: string, log: Log, use: ConnectionUse = {}) {
    this.client = open(target, `wmbp-${purpose}`, use.hears ?? false);
    if (this.client instanceof Cluster) this.client.on('+node', dealWithAsking);
    this.#use = use;
    this.#purpose = purpose;
    this.#log = log;
    this.client.on('ready', () => void this.#becomeReady());
    this.client.on('error', (error: unknown) => this.#onTrouble(error));
    this.client.on('close', () => this.#onTrouble(undefined));
    this.client.on('end', () => this.#onEnd());
    this.#pinger = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
  }

  /** Commands can be sent now. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Something was answered in the last seconds. */
  get isAnswering(): boolean {
    return this.#isReady && this.#unanswered < MAX_UNANSWERED;
  }

  /** Resolves at once, or as soon as commands can be sent. @throws {Unavailable} when that takes too long */
  async ready(): Promise<void> {
    if (this.#isReady) return;
    let timer: NodeJS.Timeout | undefined;
    let wake = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        this.#waiting.add(wake);
        timer = setTimeout(() => reject(new Unavailable('redis is out of reach')), COMMAND_TIMEOUT_MS);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(wake);
    }
  }

  /** What Redis or the way to it answered instead of a result. A mistake of ours stays what it is. */
  asUnavailable(what: string, error: unknown): unknown {
    if (error instanceof Unavailable) return error;
    this.#use.rights?.note(error);
    const text = answerIn(error);
    if (/^ReplyError: (ERR|WRONGTYPE)/.test(text) && !isRefusal(error)) return error;
    const Kind = isMoving(error) ? RoomMoving : Unavailable;
    return new Kind(`${what}: ${text}`, { cause: error });
  }

  /** Gives a connection up that is not what it seems; another is made. */
  rebuild(): void {
    if (this.#isReady) this.client.disconnect(true);
  }

  /** Waits for answers that are due, then disconnects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#pinger);
    if (this.#isReady) await this.#lastAnswer();
    this.#isReady = false;
    this.client.disconnect();
  }

  async #lastAnswer(): Promise<void> {
    const { client } = this;
    const patience = new AbortController();
    const waited = wait(COMMAND_TIMEOUT_MS, undefined, { signal: patience.signal });
    const answered = this.#use.ping ? this.#use.ping() : client.quit();
    await Promise.race([answered, waited]).catch(() => undefined);
    patience.abort();
    await waited.catch(() => undefined);
  }

  /**
   * What ioredis says by itself when it connects is answered as well. In a Cluster, until a node's connection stands,
   * commands for it go to any other and come back redirected, out of order.
   */
  async #becomeReady(): Promise<void> {
    const { client } = this;
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    await Promise.all(nodes.map((node) => node.ping())).catch(() => undefined);
    if (client.status !== 'ready') return;
    this.#unanswered = 0;
    if (this.#isDown) this.#log.info({ purpose: this.#purpose }, 'redis is back');
    this.#isDown = false;
    this.#isReady = true;
    for (const wake of this.#waiting) wake();
    this.#use.onReady?.();
  }

  #onTrouble(error: unknown): void {
    if (this.client.status !== 'ready') this.#isReady = false;
    if (this.#isDown || this.client.status === 'end') return;
    this.#isDown = true;
    const reason = error instanceof Error ? error.message : undefined;
    this.#log.warn({ purpose: this.#purpose, reason }, 'redis is out of reach');
  }

  /**
   * ioredis gives up for good when it is told to disconnect while it asks sentinels for the master; and its own
   * detector of failovers tells it so, when the news of one arrives in that moment.
   */
  #onEnd(): void {
    if (this.#isClosed) return;
    setTimeout(() => {
      if (!this.#isClosed && this.client.status === 'end') this.client.connect().catch(() => undefined);
    }, retryAfterMs(1)).unref();
  }

  /** A connection that answers nothing is no connection, whatever TCP says. */
  #ping(): void {
    if (!this.#isReady) return;
    this.#unanswered += 1;
    if (this.#unanswered > MAX_UNANSWERED) return this.rebuild();
    const answer = this.#use.ping ? this.#use.ping() : this.client.ping();
    answer.then(
      () => (this.#unanswered = 0),
      // Who may not ask was answered all the same.
      (error: unknown) => {
        if (isRefusal(error)) this.#unanswered = 0;
      },
    );
  }
}

/** Nobody else does: one that is rejected, because the connection ends, would end the process. */
function dealWithAsking(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = () => {
    const answer = asking();
    // The command behind it fails as well, and who sent that is told.
    answer.catch(() => undefined);
    return answer;
  };
}

function open(target: RedisTarget, connectionName: string, hears: boolean): RedisClient {
  const { addresses, username, password, database, isTls } = target;
  const options = {
    ...BASE,
    commandTimeout: COMMAND_TIMEOUT_MS,
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
        // A connection more to each shard; and at each refresh it writes the table of slots as JSON twice, to compare it.
        shardedSubscribers: hears,
        maxRedirections: hears ? 0 : MAX_REDIRECTIONS,
        retryDelayOnTryAgain: TRY_AGAIN_MS,
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
