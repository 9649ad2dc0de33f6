/** Connections to Redis on a machine that is busy: a gateway gives up after seconds and tries again, and so must a test. */
import { type RedisConnection } from '../src/redis/connect.ts';

const TRIES = 15;

export async function ready(...connections: readonly RedisConnection[]): Promise<void> {
  await Promise.all(connections.map(untilReady));
}

async function untilReady(connection: RedisConnection): Promise<void> {
  for (let tries = 1; tries < TRIES && !connection.isReady; tries += 1) {
    await connection.ready().catch(() => undefined);
  }
  await connection.ready();
}
