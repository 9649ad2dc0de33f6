/** Pub/sub in Redis; in a Cluster sharded pub/sub, so that a channel concerns one shard only. */
import { Cluster } from 'ioredis';
import { type Backplane } from '../backplane.ts';
import { type Log } from '../log.ts';
import { Unavailable } from '../unavailable.ts';
import { asUnavailable, type RedisClient, type RedisConnection } from './connect.ts';

/** A Redis that hangs is noticed after seconds; what is published until then must fit somewhere. */
const MAX_UNANSWERED_BYTES = 64 * 1024 * 1024;

type Ear = (envelope: Uint8Array) => void;

export class RedisBackplane implements Backplane {
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #log: Log;
  readonly #ears = new Map<string, Ear>();
  #unansweredBytes = 0;
  #isCorked = false;

  /** The owner calls `onReady` whenever the subscriber's connection is ready. */
  constructor(publisher: RedisConnection, subscriber: RedisConnection, log: Log) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#log = log;
    const onMessage = (channel: Buffer, envelope: Buffer): void => {
      this.#ears.get(channel.toString('latin1'))?.(envelope);
    };
    const { client } = subscriber;
    if (client instanceof Cluster) client.on('smessageBuffer', onMessage);
    else client.on('messageBuffer', onMessage);
  }

  async subscribe(channel: string, onEnvelope: Ear): Promise<void> {
    this.#ears.set(channel, onEnvelope);
    try {
      // At once where that is possible, so that calls for one channel take effect in the order made.
      if (!this.#subscriber.isReady) await this.#subscriber.ready();
      await this.#subscribeNow([channel]);
    } catch (error) {
      if (this.#ears.get(channel) === onEnvelope) this.#ears.delete(channel);
      throw new Unavailable(`subscribe: ${String(error)}`, { cause: error });
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#ears.delete(channel);
    const { client } = this.#subscriber;
    if (!this.#subscriber.isReady) return;
    try {
      if (client instanceof Cluster) await client.sunsubscribe(channel);
      else await client.unsubscribe(channel);
    } catch (error) {
      // Nobody listens any more, and a connection that is made anew hears only who does.
      if (!(asUnavailable('unsubscribe', error) instanceof Unavailable)) throw error;
    }
  }

  async publish(channel: string, envelope: Uint8Array): Promise<number> {
    if (!this.#publisher.isReady || this.#unansweredBytes > MAX_UNANSWERED_BYTES) {
      throw new Unavailable('publish: redis is out of reach');
    }
    const { client } = this.#publisher;
    const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
    this.#unansweredBytes += bytes.length;
    this.#writeTogether(client);
    try {
      if (client instanceof Cluster) return Number(await client.spublish(channel, bytes));
      return await client.publish(channel, bytes);
    } finally {
      this.#unansweredBytes -= bytes.length;
    }
  }

  /** The subscriber's connection is new: nothing is subscribed on it. */
  onReady(): void {
    const channels = [...this.#ears.keys()];
    if (channels.length === 0) return;
    this.#subscribeNow(channels).catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'subscribing again failed');
      this.#subscriber.client.disconnect(true);
    });
  }

  /**
   * All that a turn publishes leaves in one write. ioredis writes each command by itself, which is half of what a
   * publish costs, and its pipelines cost more than they save (README.md of the bench, "Cluster").
   */
  #writeTogether(client: RedisClient): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    const streams = nodes.map(({ stream }) => stream);
    for (const stream of streams) stream?.cork();
    queueMicrotask(() => {
      this.#isCorked = false;
      for (const stream of streams) stream?.uncork();
    });
  }

  async #subscribeNow(channels: readonly string[]): Promise<void> {
    const { client } = this.#subscriber;
    // A channel at a time in a Cluster: SSUBSCRIBE takes channels of one slot only.
    if (client instanceof Cluster) await Promise.all(channels.map((channel) => client.ssubscribe(channel)));
    else await client.subscribe(...channels);
  }
}
