/** Redis under sentinels, under a party: its master dies, hangs, or is made a replica behind everybody's back. */
import { expect } from '@jest/globals';
import { startRedisSentinels, type RedisSentinels } from '@wmbp/testkit';
import { Redis } from 'ioredis';
import { RedisConnection } from '../src/redis/connect.ts';
import { parseRedisUrl } from '../src/redis/url.ts';
import { FakeLog } from './fakes.ts';
import { FaultParty, IS_FULL } from './fault-party.ts';
import { atOnce, eventually, lasting, Processes } from './processes.ts';

/** Sentinels notice after a second, agree, and promote; gateways look again every second at most. */
const FAILED_OVER_MS = 20_000;
const FROZEN_MS = IS_FULL ? 20_000 : 6000;

atOnce(
  {
    'the master is killed: nobody is closed, games are joined again and new ones open': () =>
      over(async (party, sentinels) => {
        const { closes } = await party.through('the master is killed', async () => {
          sentinels.master.signal('SIGKILL');
          await eventually('a new room', () => opens(party.nodes), FAILED_OVER_MS);
          await party.grow(FAILED_OVER_MS);
        });
        expect(closes).toEqual({});
      }),

    'the master hangs, and comes back as a replica': () =>
      over(async (party, sentinels) => {
        const { closes } = await party.through(`the master hangs for ${FROZEN_MS} ms`, async () => {
          sentinels.master.signal('SIGSTOP');
          await eventually('a new room', () => opens(party.nodes), FAILED_OVER_MS);
          await lasting(FROZEN_MS);
          sentinels.master.signal('SIGCONT');
          await party.grow(FAILED_OVER_MS);
        });
        expect(closes).toEqual({});
      }),

    'the master is demoted and keeps its connections: who is left there comes over': () =>
      over(async (party, sentinels) => {
        const old = new Redis(sentinels.master.port);
        try {
          const { closes } = await party.through('the master is demoted and drops nobody', async () => {
            await sentinels.swapByHand();
            await cutOneGateway(old);
            await party.grow(FAILED_OVER_MS);
            const isLeft = async (): Promise<boolean> => (await connectionsOf(old)).length === 0;
            await eventually('all gateways to leave the old master', isLeft, FAILED_OVER_MS);
          });
          expect(closes).toEqual({});
        } finally {
          old.disconnect();
        }
      }),

    'a connection that is cut while it asks who the master is finds the master all the same': cutWhileAsking,
  },
  2,
);

async function cutWhileAsking(): Promise<void> {
  const sentinels = await startRedisSentinels();
  const log = new FakeLog();
  const connection = new RedisConnection(parseRedisUrl(sentinels.url), 'test', log);
  try {
    expect(connection.client.status).toBe('connecting');
    connection.client.disconnect(true);
    await eventually('the master', () => isReady(connection), FAILED_OVER_MS);
    expect(await connection.client.ping()).toBe('PONG');
  } finally {
    await connection.close();
    await sentinels.stop();
  }
}

function isReady(connection: RedisConnection): Promise<boolean> {
  return connection.ready().then(
    () => true,
    () => false,
  );
}

/** The connections of gateways: id and address. */
async function connectionsOf(redis: Redis): Promise<string[]> {
  const list = String(await redis.call('CLIENT', 'LIST'));
  return list.split('\n').filter((line) => line.includes('name=wmbp-'));
}

/** One publisher and one subscriber lose their connections, and land on the new master; the others stay. */
async function cutOneGateway(redis: Redis): Promise<void> {
  const connections = await connectionsOf(redis);
  for (const purpose of ['publish', 'subscribe']) {
    const line = connections.find((each) => each.includes(`name=wmbp-${purpose}`)) ?? '';
    const [, id = ''] = /^id=(\d+)/.exec(line) ?? [];
    await redis.call('CLIENT', 'KILL', 'ID', id);
  }
}

async function opens(nodes: Processes): Promise<boolean> {
  const host = await nodes.host(nodes.server(0).port);
  host.command({ cmd: 'prepare', name: '', max_players: 1 });
  for (;;) {
    const event = await host.nextEvent();
    if (event.cmd === 'stop') return false;
    if (event.cmd !== 'prepare_reply') continue;
    host.command({ cmd: 'stop' });
    return true;
  }
}

async function over(play: (party: FaultParty, sentinels: RedisSentinels) => Promise<void>): Promise<void> {
  const sentinels = await startRedisSentinels();
  try {
    await Processes.play(3, sentinels.url, (nodes) =>
      FaultParty.on(nodes, (party) => play(party, sentinels)),
    );
  } finally {
    await sentinels.stop();
  }
}
