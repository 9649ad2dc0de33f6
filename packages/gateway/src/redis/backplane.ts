/** Pub/sub in Redis; in a Cluster sharded pub/sub, so that a channel concerns one shard only. */
import { Cluster } from 'ioredis';
import { type Backplane } from '../backplane.ts';
import { type Log } from '../log.ts';
import { type NodeId } from '../names.ts';
import { type ProbeReadings } from '../shared.ts';
import { Unavailable } from '../unavailable.ts';
import { type RedisClient, type RedisConnection } from './connect.ts';
import { RedisSubscriber, type Ear } from './subscriber.ts';

/** A Redis that hangs is noticed after seconds; what is published until then must fit somewhere. */
const MAX_UNANSWERED_BYTES = 64 * 1024 * 1024;

export class RedisBackplane implements Backplane {
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisSubscriber;
  #unansweredBytes = 0;
  #isCorked = false;

  /** The owner calls `onReady` whenever the subscriber's connection is ready. */
  constructor(publisher: RedisConnection, subscriber: RedisConnection, node: NodeId, log: Log) {
    this.#publisher = publisher;
    this.#subscriber = new RedisSubscriber(subscriber, node, log, (...probe) => this.publish(...probe));
  }

  readProbes(): ProbeReadings {
    const { probes } = this.#subscriber;
    return { ...probes.counts, oldestMs: probes.oldestMs(performance.now()) };
  }

  subscribe(channel: string, onEnvelope: Ear): Promise<void> {
    return this.#subscriber.subscribe(channel, onEnvelope);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#subscriber.unsubscribe(channel);
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

  onReady(): void {
    this.#subscriber.onReady();
  }

  close(): void {
    this.#subscriber.close();
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
}
