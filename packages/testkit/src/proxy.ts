/** A TCP proxy for tests: the network between a gateway and Redis, with the troubles that networks have. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { seeded } from './random.ts';
import { freePort } from './redis.ts';

/** As the one who connects sees it: what it sends, and what it gets. */
export type Direction = 'requests' | 'answers';

/**
 * Stands before one server of this machine. Everything passes until something else is said, and then again from
 * `heal` on. What is said holds for all connections, those made later too.
 */
export interface TcpProxy {
  /** Where the server seems to be; always the same. */
  readonly port: number;
  /** How many connections are open now. */
  readonly connections: number;
  /** How many bytes of answers were swallowed so far. */
  readonly swallowedBytes: number;
  /** Cuts every connection: both ends get an RST, and what is under way is lost. New ones are let in. */
  reset(): void;
  /**
   * Nothing passes in these directions, and nobody is told, neither of bytes nor of an end. As TCP does when the
   * way is back, `heal` brings all of it, in order. New connections are let in, and are as mute.
   */
  hold(...directions: Direction[]): void;
  /**
   * Requests reach the server and are carried out; what it answers is thrown away. `heal` resets the connections
   * that lost something: bytes in the middle of a stream are never missing.
   */
  swallowAnswers(): void;
  /**
   * Whatever passes, either way, takes `ms` longer, and up to `spreadMs` more or less, by a random source that
   * `seed` sets. Order within a connection is kept.
   */
  delay(ms: number, spreadMs: number, seed: number): void;
  /** Resolves when connecting fails with ECONNREFUSED. Connections that are open stay. */
  refuse(): Promise<void>;
  /** Resolves when all is well again. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

/** @param port of the server */
export async function startProxy(port: number): Promise<TcpProxy> {
  const own = await freePort();
  const faults = new Faults();
  const connections = new Set<Connection>();
  let server: Server | undefined;

  async function accept(): Promise<void> {
    if (server) return;
    const listener = createServer((near) => {
      const connection = new Connection(near, connect(port, '127.0.0.1'), faults, () => {
        connections.delete(connection);
      });
      connections.add(connection);
    });
    server = listener;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(own, '127.0.0.1', resolve);
    });
  }

  function refuse(): Promise<void> {
    server?.close();
    server = undefined;
    return Promise.resolve();
  }

  function reset(): void {
    for (const connection of connections) connection.reset();
  }

  await accept();
  return {
    port: own,
    get connections() {
      return connections.size;
    },
    get swallowedBytes() {
      return faults.swallowedBytes;
    },
    reset,
    hold(...directions) {
      for (const direction of directions) faults.held.add(direction);
      for (const connection of connections) connection.pump();
    },
    swallowAnswers() {
      faults.swallowsAnswers = true;
    },
    delay(ms, spreadMs, seed) {
      const random = seeded(seed);
      faults.drawDelayMs = () => ms + spreadMs * (2 * random() - 1);
    },
    refuse,
    async heal() {
      faults.clear();
      for (const connection of connections) connection.heal();
      await accept();
    },
    async stop() {
      await refuse();
      reset();
    },
  };
}

class Faults {
  readonly held = new Set<Direction>();
  swallowsAnswers = false;
  swallowedBytes = 0;
  drawDelayMs: (() => number) | undefined;

  clear(): void {
    this.held.clear();
    this.swallowsAnswers = false;
    this.drawDelayMs = undefined;
  }
}

class Connection {
  readonly #ends: readonly [near: Socket, far: Socket];
  readonly #ways: readonly [Way, Way];

  constructor(near: Socket, far: Socket, faults: Faults, onClosed: () => void) {
    this.#ends = [near, far];
    this.#ways = [new Way('requests', near, far, faults), new Way('answers', far, near, faults)];
    for (const socket of this.#ends) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (near.destroyed && far.destroyed) onClosed();
      });
    }
  }

  pump(): void {
    for (const way of this.#ways) way.pump();
  }

  heal(): void {
    if (this.#ways.some(({ hasLost }) => hasLost)) this.reset();
    else this.pump();
  }

  reset(): void {
    for (const way of this.#ways) way.close();
    // Node never gets rid of one that it resets while it ends it, and does not exit (22.23).
    for (const socket of this.#ends)
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
  }
}

interface Chunk {
  readonly bytes: Buffer;
  readonly dueAtMs: number;
}

/** One direction of one connection. */
class Way {
  readonly #direction: Direction;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #faults: Faults;
  readonly #queue: Chunk[] = [];
  #lastDueAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** Something was thrown away. */
  hasLost = false;

  constructor(direction: Direction, from: Socket, to: Socket, faults: Faults) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    this.#faults = faults;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('close', () => {
      this.#isOver = true;
      this.pump();
    });
    to.on('drain', () => this.pump());
    this.pump();
  }

  /** Passes on what may pass now. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#faults.held.has(this.#direction)) return void this.#from.pause();
    const isDelayed = this.#faults.drawDelayMs !== undefined;
    const nowMs = performance.now();
    for (let [next] = this.#queue; next && !(isDelayed && next.dueAtMs > nowMs); [next] = this.#queue) {
      this.#queue.shift();
      if (!this.#to.destroyed) this.#to.write(next.bytes);
    }
    const [waiting] = this.#queue;
    if (waiting) this.#timer = setTimeout(() => this.pump(), waiting.dueAtMs - nowMs);
    else if (this.#isOver) this.#to.destroySoon();
    if (this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
  }

  #take(bytes: Buffer): void {
    if (this.#direction === 'answers' && this.#faults.swallowsAnswers) {
      this.hasLost = true;
      this.#faults.swallowedBytes += bytes.length;
      return;
    }
    const delayMs = this.#faults.drawDelayMs?.() ?? 0;
    this.#lastDueAtMs = Math.max(this.#lastDueAtMs, performance.now() + delayMs);
    this.#queue.push({ bytes, dueAtMs: this.#lastDueAtMs });
    this.pump();
  }
}
