/** What one node publishes: by hand where there is one server, by ioredis in a Cluster, since it knows whose slot it is. */
import { Cluster } from 'ioredis';
import { type OnAnswer } from '../backplane.ts';
import { type Log } from '../log.ts';
import { RedisConnection } from './connect.ts';
import { PublishPipe, READONLY } from './publish-pipe.ts';
import { type Rights } from './rights.ts';
import { type RedisTarget } from './url.ts';

/** A Redis that hangs is noticed after seconds; what is published until then must fit somewhere. */
const MAX_UNANSWERED_BYTES = 64 * 1024 * 1024;

export class RedisPublisher {
  readonly connection: RedisConnection;
  readonly #command: string;
  readonly #log: Log;
  readonly #rights: Rights;
  #pipe: PublishPipe | undefined;
  /** In a Cluster. */
  #unansweredBytes = 0;
  #isCorked = false;
  #hasComplained = false;

  constructor(target: RedisTarget, rights: Rights, log: Log) {
    this.#log = log;
    this.#rights = rights;
    this.#command = target.kind === 'cluster' ? 'spublish' : 'publish';
    const ping = target.kind === 'cluster' ? {} : { ping: (): Promise<void> => this.#ping() };
    this.connection = new RedisConnection(target, 'publish', log, {
      onReady: () => this.#onReady(),
      ...ping,
    });
  }

  publish(channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    const { client, isReady } = this.connection;
    const unansweredBytes = this.#pipe?.unansweredBytes ?? this.#unansweredBytes;
    if (!isReady || unansweredBytes > MAX_UNANSWERED_BYTES) return queueMicrotask(() => onAnswer(undefined));
    if (client instanceof Cluster) this.#publishSharded(client, channel, envelope, onAnswer);
    else this.#pipe?.publish(channel, envelope, onAnswer);
  }

  #onReady(): void {
    const { client } = this.connection;
    this.#hasComplained = false;
    if (client instanceof Cluster) return;
    this.#pipe = new PublishPipe(client.stream, (error) => this.#complain(error));
  }

  #ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAnswer: OnAnswer = (answer) =>
        answer === undefined ? reject(new Error('no answer')) : resolve();
      if (this.#pipe) this.#pipe.check(onAnswer);
      else onAnswer(undefined);
    });
  }

  #publishSharded(client: Cluster, channel: string, envelope: Uint8Array, onAnswer: OnAnswer): void {
    const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength);
    this.#unansweredBytes += bytes.length;
    this.#writeTogether(client);
    const settle = (receivers: number | undefined): void => {
      this.#unansweredBytes -= bytes.length;
      onAnswer(receivers);
    };
    client.spublish(channel, bytes).then(
      (receivers) => settle(Number(receivers)),
      (error: unknown) => {
        if (error instanceof Error && error.name === 'ReplyError') this.#complain(error.message);
        settle(undefined);
      },
    );
  }

  /** All that a turn publishes leaves in one write; ioredis writes each command by itself. */
  #writeTogether(client: Cluster): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const streams = client.nodes('master').map(({ stream }) => stream);
    for (const stream of streams) stream?.cork();
    queueMicrotask(() => {
      this.#isCorked = false;
      for (const stream of streams) stream?.uncork();
    });
  }

  /** Once a connection: what Redis refuses once it refuses each time. Leaves what has become a replica. */
  #complain(reason: string): void {
    if (reason.startsWith(READONLY)) this.connection.rebuild();
    if (this.#hasComplained || this.#rights.note(reason, this.#command)) return;
    this.#hasComplained = true;
    this.#log.warn({ reason }, 'redis refuses to publish');
  }
}
