/**
 * What one node hears from Redis: by hand where there is one server, by ioredis in a Cluster, since it knows whose slot
 * a channel is in. Subscriptions are made again after every reconnect, and when they turn out to be deaf, group by
 * group: in a Cluster the channels of one slot can fail by themselves, elsewhere all of them.
 */
import { Cluster } from 'ioredis';
import { type Backplane } from '../backplane.ts';
import { detach, type Log } from '../log.ts';
import { type NodeId } from '../names.ts';
import { RoomMoving, Unavailable } from '../unavailable.ts';
import { COMMAND_TIMEOUT_MS, RedisConnection } from './connect.ts';
import { HearPipe } from './hear-pipe.ts';
import { Probes, type Remedy } from './probes.ts';
import { isFinal, isMoving, untilPassed } from './redirections.ts';
import { type Refusals, type Rights } from './rights.ts';
import { trySubscribing } from './try-commands.ts';
import { type RedisTarget } from './url.ts';

export type Ear = (envelope: Uint8Array) => void;

const PROBE_EVERY_MS = 2000;
/** A new connection must not be given up before it has had a chance to be heard. */
const REBUILD_PAUSE_MS = 10_000;
const ALL = 'all';

export class RedisSubscriber {
  readonly connection: RedisConnection;
  readonly #node: NodeId;
  readonly #log: Log;
  readonly #rights: Rights;
  readonly #ears = new Map<string, Ear>();
  readonly #groupSizes = new Map<string, number>();
  /** Something came for these since the last tick, and nobody listens. */
  readonly #heardInVain = new Set<string>();
  readonly #probes: Probes;
  readonly #ticker: NodeJS.Timeout;
  #rebuiltAtMs = -Infinity;
  /** None in a Cluster. */
  #pipe: HearPipe | undefined;

  constructor(target: RedisTarget, node: NodeId, rights: Rights, log: Log, publish: Backplane['publish']) {
    const ping = target.kind === 'cluster' ? {} : { ping: () => this.#pipeNow().ping() };
    this.connection = new RedisConnection(target, 'subscribe', log, {
      onReady: () => this.#onReady(),
      hears: true,
      rights,
      ...ping,
    });
    this.#rights = rights;
    this.#node = node;
    this.#log = log;
    this.#probes = new Probes(
      (group, onAnswer) => publish(this.#probeChannel(group), new Uint8Array(1), onAnswer),
      (group, remedy) => this.#onDeaf(group, remedy),
    );
    this.#ticker = setInterval(() => this.#tick(), PROBE_EVERY_MS).unref();
    const { client } = this.connection;
    if (!(client instanceof Cluster)) return;
    client.on('smessageBuffer', (channel: Buffer, envelope: Buffer) => {
      const { buffer, byteOffset, length } = envelope;
      this.#onMessage(channel.toString('latin1'), new Uint8Array(buffer, byteOffset, length));
    });
  }

  get probes(): Probes {
    return this.#probes;
  }

  async subscribe(channel: string, ear: Ear): Promise<void> {
    const channels = this.#ears.has(channel) ? [channel] : [channel, ...this.#enter(this.#groupOf(channel))];
    this.#ears.set(channel, ear);
    try {
      // At once where that is possible, so that calls for one channel take effect in the order made.
      if (!this.connection.isReady) await this.connection.ready();
      await this.#subscribeNow(channels);
    } catch (error) {
      if (this.#ears.get(channel) === ear) this.#forget(channel);
      this.#rights.note(error);
      const Kind = isMoving(error) ? RoomMoving : Unavailable;
      throw new Kind(`subscribe: ${String(error)}`, { cause: error });
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    if (!this.#ears.has(channel)) return;
    const channels = [channel, ...this.#forget(channel)];
    if (this.connection.isReady) await this.#unsubscribeNow(channels);
  }

  async #unsubscribeNow(channels: readonly string[]): Promise<void> {
    const { client } = this.connection;
    try {
      if (client instanceof Cluster) await Promise.all(channels.map((each) => client.sunsubscribe(each)));
      else await this.#pipeNow().unsubscribe(channels);
    } catch (error) {
      // Nobody listens any more. What is heard all the same, is unsubscribed at the next tick: a slot that is on its way
      // keeps its subscriptions until it has arrived, and then loses them.
      if (!(this.connection.asUnavailable('unsubscribe', error) instanceof Unavailable)) throw error;
    }
  }

  #tick(): void {
    this.#probes.tick();
    const channels = [...this.#heardInVain].filter((channel) => !this.#isWanted(channel));
    this.#heardInVain.clear();
    if (channels.length === 0 || !this.connection.isReady) return;
    detach(this.#unsubscribeNow(channels), this.#log, {}, 'unsubscribe failed');
  }

  /** What Redis refuses of subscribing. @throws {Error} when it does not answer */
  async tryRights(): Promise<Refusals> {
    await this.connection.ready();
    const { client } = this.connection;
    if (client instanceof Cluster)
      return trySubscribing(this.#node, {
        ssubscribe: (channel) => client.ssubscribe(channel),
        sunsubscribe: (channel) => client.sunsubscribe(channel),
      });
    return trySubscribing(this.#node, {
      subscribe: (channel) => this.#pipeNow().subscribe([channel]),
      unsubscribe: (channel) => this.#pipeNow().unsubscribe([channel]),
    });
  }

  /** The connection is new: nothing is subscribed on it. */
  #onReady(): void {
    const { client } = this.connection;
    if (!(client instanceof Cluster))
      this.#pipe = new HearPipe(client.stream, COMMAND_TIMEOUT_MS, this.#onMessage);
    this.#subscribeAgain([...this.#ears.keys(), ...[...this.#groupSizes.keys()].map(this.#probeChannel)]);
  }

  close(): void {
    clearInterval(this.#ticker);
  }

  /** A channel more in this group; answers what must be subscribed with the first. */
  #enter(group: string): string[] {
    const size = this.#groupSizes.get(group) ?? 0;
    this.#groupSizes.set(group, size + 1);
    if (size > 0) return [];
    this.#probes.add(group, performance.now());
    return [this.#probeChannel(group)];
  }

  /** A channel less; answers what must be unsubscribed with the last of its group. */
  #forget(channel: string): string[] {
    if (!this.#ears.delete(channel)) return [];
    const group = this.#groupOf(channel);
    const size = (this.#groupSizes.get(group) ?? 1) - 1;
    if (size > 0) {
      this.#groupSizes.set(group, size);
      return [];
    }
    this.#groupSizes.delete(group);
    this.#probes.remove(group);
    return [this.#probeChannel(group)];
  }

  #onDeaf(group: string, remedy: Remedy): void {
    if (!this.connection.isReady) return;
    const channels = [...this.#ears.keys()].filter((channel) => this.#groupOf(channel) === group);
    this.#log.warn({ group, remedy, channels: channels.length }, 'subscriptions are not heard');
    if (remedy === 'subscribeAgain') return this.#subscribeAgain([...channels, this.#probeChannel(group)]);
    if (performance.now() - this.#rebuiltAtMs < REBUILD_PAUSE_MS) return;
    this.#rebuiltAtMs = performance.now();
    this.connection.rebuild();
  }

  #subscribeAgain(channels: readonly string[]): void {
    if (channels.length === 0) return;
    this.#subscribeNow(channels).catch((error: unknown) => {
      // On another connection it would be refused as well; the probes ask again.
      if (this.#rights.note(error)) return;
      this.#log.warn({ reason: String(error) }, 'subscribing again failed');
      this.connection.rebuild();
    });
  }

  async #subscribeNow(channels: readonly string[]): Promise<void> {
    const { client } = this.connection;
    // A channel at a time in a Cluster: SSUBSCRIBE takes channels of one slot only.
    if (client instanceof Cluster)
      await Promise.all(channels.map((each) => this.#subscribeSharded(client, each)));
    else await this.#pipeNow().subscribe(channels);
  }

  /** At its slot's master, which another one may be in a moment: ioredis looks again whenever it is told MOVED. */
  async #subscribeSharded(client: Cluster, channel: string): Promise<void> {
    let moving: unknown;
    const mayPass = (error: unknown): boolean => {
      if (isMoving(error)) moving = error;
      return !isFinal(error) && this.#isWanted(channel);
    };
    try {
      await untilPassed(() => client.ssubscribe(channel), mayPass, COMMAND_TIMEOUT_MS);
    } catch (error) {
      // While ioredis looks for the slot, it may have no connection to ask.
      throw isFinal(error) ? error : (moving ?? error);
    }
  }

  #isWanted(channel: string): boolean {
    if (this.#ears.has(channel)) return true;
    const group = this.#groupOf(channel);
    return this.#groupSizes.has(group) && channel === this.#probeChannel(group);
  }

  /** @throws {Unavailable} before the first connection stands */
  #pipeNow(): HearPipe {
    if (this.#pipe) return this.#pipe;
    throw new Unavailable('redis is out of reach');
  }

  readonly #onMessage = (channel: string, envelope: Uint8Array): void => {
    this.#probes.onHeard(this.#groupOf(channel), performance.now());
    const ear = this.#ears.get(channel);
    if (ear) ear(envelope);
    else this.#heardInVain.add(channel);
  };

  #groupOf(channel: string): string {
    if (!(this.connection.client instanceof Cluster)) return ALL;
    return channel.slice(channel.indexOf('{') + 1, channel.indexOf('}'));
  }

  readonly #probeChannel = (group: string): string => `wmbp:{${group}}:probe:${this.#node}`;
}
