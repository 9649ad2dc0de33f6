/** Pub/sub in Redis; in a Cluster sharded pub/sub, so that a channel concerns one shard only. */
import { type Backplane, type OnAnswer } from '../backplane.ts';
import { type Log } from '../log.ts';
import { type NodeId } from '../names.ts';
import { type ProbeReadings } from '../shared.ts';
import { RedisConnection } from './connect.ts';
import { RedisPublisher } from './publisher.ts';
import { type Refusals, type Rights } from './rights.ts';
import { RedisSubscriber, type Ear } from './subscriber.ts';
import { type RedisTarget } from './url.ts';

export class RedisBackplane implements Backplane {
  /** One to publish, one to hear. */
  readonly connections: readonly RedisConnection[];
  readonly #publisher: RedisPublisher;
  readonly #subscriber: RedisSubscriber;

  /** Connects in the background; until then nothing is published, and subscribing waits, briefly. */
  constructor(target: RedisTarget, node: NodeId, rights: Rights, log: Log) {
    this.#publisher = new RedisPublisher(target, rights, log);
    this.#subscriber = new RedisSubscriber(target, node, rights, log, (...probe) => this.publish(...probe));
    this.connections = [this.#publisher.connection, this.#subscriber.connection];
  }

  /** As `RedisSubscriber.tryRights`; publishing is tried with the other commands. */
  tryRights(): Promise<Refusals> {
    return this.#subscriber.tryRights();
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

  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    this.#publisher.publish(channel, envelope, onAnswer);
  }

  /** Waits, briefly, for answers that are due, and disconnects. Never rejects. */
  async close(): Promise<void> {
    this.#subscriber.close();
    await Promise.all(this.connections.map((connection) => connection.close()));
  }
}
