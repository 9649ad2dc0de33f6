/** Gateways as processes of their own over a Redis, for tests that kill, freeze and drain them. */
import { beforeAll, test } from '@jest/globals';
import { type PlayerId } from '@wmbp/protocol';
import { startServer, TestHost, TestPeer, type ServerProcess } from '@wmbp/testkit';
import { Redis } from 'ioredis';

const SCENARIO_MS = 180_000;
const TALK_EVERY_MS = 20;

/**
 * Scenarios of a file play at once, because most of their time they wait for leases to run out; each is a test of
 * its own.
 * @param atMost so many of them, in the order given
 */
export function atOnce(
  scenarios: Readonly<Record<string, () => Promise<void>>>,
  atMost = Infinity,
  deadlineMs = SCENARIO_MS,
): void {
  const outcomes = new Map<string, Promise<unknown>>();
  beforeAll(() => {
    const running: Promise<unknown>[] = [];
    for (const [index, [rule, play]] of Object.entries(scenarios).entries()) {
      const before = running[index - atMost] ?? Promise.resolve();
      const outcome = before.then(play).then(
        () => undefined,
        (error: unknown) => error ?? new Error('failed'),
      );
      running.push(outcome);
      outcomes.set(rule, outcome);
    }
  });
  test.each(Object.keys(scenarios))(
    '%s',
    async (rule) => {
      const error = await outcomes.get(rule);
      if (error !== undefined) throw error;
    },
    deadlineMs,
  );
}

export interface Talk {
  /** How many numbers were sent. */
  readonly sent: number;
  pause(): void;
  goOn(): void;
}

/** Gateways that share one Redis; whoever starts them stops them. */
export class Processes {
  readonly servers: readonly ServerProcess[];
  readonly #peers: TestPeer[] = [];
  readonly #talks: NodeJS.Timeout[] = [];

  private constructor(servers: readonly ServerProcess[]) {
    this.servers = servers;
  }

  static async start(
    count: number,
    redisUrl: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<Processes> {
    const env = { WMBP_REDIS_URL: redisUrl, WMBP_DRAIN_NOTICE_MS: '0', ...settings };
    const servers: ServerProcess[] = [];
    for (let i = 0; i < count; i += 1) servers.push(await inTurn(() => startServer(env)));
    return new Processes(servers);
  }

  /** Plays a game on fresh gateways, and stops them whatever came of it. */
  static async play(
    count: number,
    redisUrl: string,
    game: (processes: Processes) => Promise<void>,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const processes = await Processes.start(count, redisUrl, settings);
    try {
      await game(processes);
    } finally {
      await processes.stop();
    }
  }

  server(index: number): ServerProcess {
    const server = this.servers[index];
    if (!server) throw new Error(`there is no gateway ${index}`);
    return server;
  }

  kill(index: number, signal: NodeJS.Signals): void {
    this.server(index).kill(signal);
  }

  /** A host with an open room on this gateway. */
  async room(index: number, maxPlayers: number, name = ''): Promise<{ host: TestHost; code: string }> {
    const host = await this.host(this.server(index).port);
    return { host, code: await host.prepare(maxPlayers, name) };
  }

  /** A host that has its first `state` behind it, by port: a gateway's or a balancer's. */
  async host(port: number): Promise<TestHost> {
    const host = new TestHost(`ws://127.0.0.1:${port}/CREATE`);
    this.#peers.push(host);
    await host.opened();
    await host.expect('state');
    return host;
  }

  /** A player's socket, on its way; whether it is admitted shows. */
  async player(index: number, code: string): Promise<TestPeer> {
    return this.playerAt(this.server(index).port, code);
  }

  async playerAt(port: number, code: string): Promise<TestPeer> {
    const player = new TestPeer(`ws://127.0.0.1:${port}/${code}`);
    this.#peers.push(player);
    return player.opened();
  }

  /** A player that its host has been told of; takes the host's two events. */
  async joined(index: number, host: TestHost, code: string): Promise<{ player: TestPeer; id: PlayerId }> {
    const player = await this.player(index, code);
    const { player: id } = await host.expect('player_joined');
    await host.expect('state');
    return { player, id };
  }

  /** `GET /CODE`: status, and the room's name if it has one. */
  async lookUp(index: number, code: string): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.server(index).port}/${code}`);
    const body = await answer.text();
    return answer.status === 200 ? `200 ${body}` : String(answer.status);
  }

  /** What an operator's probe gets. */
  async probe(index: number, path: '/healthz' | '/readyz'): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.server(index).adminPort}${path}`);
    return `${answer.status} ${(await answer.text()).trim()}`;
  }

  /** Sends numbers from 0 on, to the host or to everybody, until the socket closes or the test is over. */
  talk(peer: TestPeer): Talk {
    let sent = 0;
    let isPaused = false;
    const timer = setInterval(() => {
      if (isPaused || peer.socket.readyState !== peer.socket.OPEN) return;
      if (peer instanceof TestHost) peer.command({ cmd: 'to_str', to: 'all', data: Buffer.from(`${sent}`) });
      else peer.send(`${sent}`);
      sent += 1;
    }, TALK_EVERY_MS);
    this.#talks.push(timer);
    return {
      get sent() {
        return sent;
      },
      pause: () => (isPaused = true),
      goOn: () => (isPaused = false),
    };
  }

  /** Errors logged are failures of ours: there must be none. */
  get failures(): unknown[] {
    const ERROR = 50;
    return this.servers.flatMap(({ log }) => log.filter((line) => Number(line['level']) >= ERROR));
  }

  async stop(): Promise<void> {
    for (const timer of this.#talks) clearInterval(timer);
    for (const peer of this.#peers) peer.drop();
    for (const server of this.servers) server.kill('SIGKILL');
    await Promise.all(this.servers.map(({ exited }) => exited));
  }
}

let lastStart: Promise<unknown> = Promise.resolve();

/** One start at a time: a process that starts wants a whole core, and has a deadline. */
function inTurn<T>(start: () => Promise<T>): Promise<T> {
  const started = lastStart.then(start);
  lastStart = started.catch(() => undefined);
  return started;
}

/** A connection of the test's own, closed whatever comes of it: one that is left open tries to connect for ever. */
export async function asking<T>(redisUrl: string, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redisUrl);
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}

/** Something that must last a stated time. */
export function lasting(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again and again, for what can only be asked. */
export async function eventually(
  what: string,
  isSo: () => Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  const untilMs = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await lasting(100);
  }
}
