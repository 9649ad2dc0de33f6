/** Redis away for a while, dead or hung, under gateways that play a game. */
import { startRedisProcess, type RedisProcess, type TestPeer } from '@wmbp/testkit';
import { eventually, lasting, Processes } from './processes.ts';

const AWAY_MS = 8000;
/** Everything is as it should be, from the return of Redis on. */
export const SETTLED_MS = 25_000;

const OUTAGES = {
  killed: {
    begin: (redis: RedisProcess) => redis.signal('SIGKILL'),
    end: (redis: RedisProcess) => redis.restart(),
  },
  hung: {
    begin: (redis: RedisProcess) => redis.signal('SIGSTOP'),
    end: (redis: RedisProcess) => Promise.resolve(redis.signal('SIGCONT')),
  },
} as const;

export type Outage = keyof typeof OUTAGES;

export interface Interval {
  readonly redis: RedisProcess;
  readonly begin: () => void;
  /** Lasts as long as is said above, whatever the game did meanwhile. */
  readonly end: () => Promise<void>;
}

export async function away(
  outage: Outage,
  count: number,
  game: (nodes: Processes, interval: Interval) => Promise<void>,
): Promise<void> {
  const redis = await startRedisProcess();
  const { begin, end } = OUTAGES[outage];
  let beganAtMs = 0;
  const interval: Interval = {
    redis,
    begin: () => {
      beganAtMs = performance.now();
      begin(redis);
    },
    end: async () => {
      await lasting(Math.max(0, beganAtMs + AWAY_MS - performance.now()));
      await end(redis);
    },
  };
  try {
    await Processes.play(count, redis.url, (nodes) => game(nodes, interval));
  } finally {
    await redis.stop();
  }
}

/** Tries until it is not refused for want of Redis, or of what Redis has not been told again yet. */
export async function joinsAgain(nodes: Processes, index: number, code: string): Promise<TestPeer> {
  let admitted: TestPeer | undefined;
  await eventually(
    `a join to ${code}`,
    async () => {
      const player = await nodes.player(index, code);
      const isClosed = await Promise.race([
        new Promise<boolean>((resolve) => player.socket.once('close', () => resolve(true))),
        lasting(1000).then(() => false),
      ]);
      if (!isClosed) admitted = player;
      return !isClosed;
    },
    SETTLED_MS,
  );
  if (!admitted) throw new Error('nobody was admitted');
  return admitted;
}
