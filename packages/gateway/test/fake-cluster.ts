/** Two servers that speak as masters of a Redis Cluster do, and say what a test wants when a slot is on its way. */
import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from '@wmbp/testkit';

export interface FakeCommand {
  /** In capitals. */
  readonly name: string;
  readonly args: readonly string[];
  /** Of the server that was asked: 0 has the lower half of the slots. */
  readonly server: number;
}

/** In RESP2, or `undefined` for what a server always says. */
export type FakeAnswer = (command: FakeCommand) => string | undefined;

export class FakeCluster {
  readonly ports: readonly number[];
  /** Everything that was asked, of either. */
  readonly asked: FakeCommand[] = [];
  answer: FakeAnswer = () => undefined;
  readonly #servers: readonly Server[];
  readonly #sockets = new Set<Socket>();

  private constructor(ports: readonly number[]) {
    this.ports = ports;
    this.#servers = ports.map((port, server) =>
      createServer((socket) => this.#onSocket(socket, server)).listen(port, '127.0.0.1'),
    );
  }

  static async start(): Promise<FakeCluster> {
    return new FakeCluster([await freePort(), await freePort()]);
  }

  get url(): string {
    return `redis-cluster://${this.ports.map((port) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Whoever is connected hears it, as if subscribed. */
  say(channel: string, text: string): void {
    for (const socket of this.#sockets) socket.write(array('smessage', channel, text));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #onSocket(socket: Socket, server: number): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (;;) {
        const taken = takeCommand(text);
        if (!taken) return;
        text = taken.rest;
        const [name = '', ...args] = taken.words;
        const command = { name: name.toUpperCase(), args, server };
        this.asked.push(command);
        socket.write(this.answer(command) ?? this.#usual(command));
      }
    });
  }

  #usual({ name, args }: FakeCommand): string {
    switch (name) {
      case 'CLUSTER':
        return args[0]?.toUpperCase() === 'SLOTS' ? this.#slots() : bulk('cluster_state:ok\r\n');
      case 'INFO':
        return bulk('redis_version:7.0.15\r\nloading:0\r\n');
      case 'PING':
        return '+PONG\r\n';
      case 'SSUBSCRIBE':
      case 'SUNSUBSCRIBE':
        return `*3\r\n${bulk(name.toLowerCase())}${bulk(args[0] ?? '')}:1\r\n`;
      case 'SPUBLISH':
        return ':1\r\n';
      default:
        return '+OK\r\n';
    }
  }

  #slots(): string {
    const halves = [':0\r\n:8191\r\n', ':8192\r\n:16383\r\n'];
    const ranges = this.ports.map(
      (port, server) =>
        `*3\r\n${halves[server]}*3\r\n${bulk('127.0.0.1')}:${port}\r\n${bulk(`id${server}`.padEnd(40, '0'))}`,
    );
    return `*2\r\n${ranges.join('')}`;
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function array(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map(bulk).join('')}`;
}

/** The first command of a stream of arrays of bulk strings, if all of it is there. */
function takeCommand(text: string): { words: string[]; rest: string } | undefined {
  let at = 0;
  const line = (): string | undefined => {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const taken = text.slice(at + 1, end);
    at = end + 2;
    return taken;
  };
  const count = line();
  if (count === undefined) return undefined;
  const words: string[] = [];
  for (let i = 0; i < Number(count); i += 1) {
    const length = line();
    if (length === undefined || text.length < at + Number(length) + 2) return undefined;
    words.push(text.slice(at, at + Number(length)));
    at += Number(length) + 2;
  }
  return { words, rest: text.slice(at) };
}
