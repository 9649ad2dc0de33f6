/** The proxy keeps what it says, between a server that answers each line and whoever asks it. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startProxy, within, type TcpProxy } from '@wmbp/testkit';

let server: Server;
let proxy: TcpProxy;
let serverHeard: string;
let open: Socket[];
beforeEach(async () => {
  serverHeard = '';
  open = [];
  server = createServer((socket) => {
    open.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      serverHeard += bytes.toString();
      socket.write(bytes.toString().toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  proxy = await startProxy(typeof address === 'object' && address ? address.port : 0);
});
afterEach(async () => {
  await proxy.stop();
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

class Caller {
  heard = '';
  ended: string | undefined;
  readonly socket: Socket;
  #wake: () => void = () => undefined;

  constructor() {
    this.socket = connect(proxy.port, '127.0.0.1');
    open.push(this.socket);
    this.socket.setNoDelay(true);
    this.socket.on('connect', () => this.#wake());
    this.socket.on('data', (bytes) => this.#see(() => (this.heard += bytes.toString())));
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.#see(() => (this.ended = error.code)));
    this.socket.on('close', () => this.#see(() => (this.ended ??= 'closed')));
  }

  say(text: string): void {
    this.socket.write(text);
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    while (!isSo()) await within(what, new Promise<void>((resolve) => (this.#wake = resolve)));
  }

  async hears(text: string): Promise<void> {
    await this.until(text, () => this.heard === text);
  }

  #see(change: () => void): void {
    change();
    this.#wake();
  }
}

function serverHears(text: string): Promise<void> {
  return until(`the server to hear ${text}`, () => serverHeard === text);
}

/** For what can only be asked. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  const watching = async (): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  await within(what, watching());
}

test('everything passes, both ways, and so does the end', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  expect(proxy.connections).toBe(1);
  const [, serversEnd] = open;
  serversEnd?.end('bye');
  await caller.until('the end', () => caller.ended !== undefined);
  expect(caller.heard).toBe('Abye');
  expect(caller.ended).toBe('closed');
});

test('a reset is one at both ends, and whoever comes back is let in', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  proxy.reset();
  await caller.until('the reset', () => caller.ended !== undefined);
  expect(caller.ended).toBe('ECONNRESET');
  const next = new Caller();
  next.say('b');
  await next.hears('B');
});

test('what is held arrives afterwards, in order, once', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  proxy.hold('answers');
  caller.say('b');
  await serverHears('ab');
  caller.say('c');
  await serverHears('abc');
  expect(caller.heard).toBe('A');
  await proxy.heal();
  await caller.hears('ABC');
});

test('while both directions are held no server hears anything, also of those who connect meanwhile', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  proxy.hold('requests', 'answers');
  caller.say('b');
  const late = new Caller();
  late.say('c');
  await late.until('the connection', () => !late.socket.connecting);
  expect([serverHeard, caller.heard, late.heard]).toEqual(['a', 'A', '']);
  await proxy.heal();
  await caller.hears('AB');
  await late.hears('C');
});

test('swallowed answers never come: requests are carried out, and the connection is reset in the end', async () => {
  const caller = new Caller();
  const quiet = new Caller();
  quiet.say('a');
  await quiet.hears('A');
  proxy.swallowAnswers();
  caller.say('b');
  await serverHears('ab');
  await until('the answer to be swallowed', () => proxy.swallowedBytes === 1);
  await proxy.heal();
  await caller.until('the reset', () => caller.ended !== undefined);
  expect([caller.heard, caller.ended]).toEqual(['', 'ECONNRESET']);
  quiet.say('c');
  await quiet.hears('AC');
});

test('what is delayed takes so long, and keeps its order', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  proxy.delay(40, 20, 1);
  const startedAtMs = performance.now();
  for (let i = 0; i < 20; i += 1) {
    caller.say('bcde'.charAt(i % 4));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await caller.hears(`A${'BCDE'.repeat(5)}`);
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(40);
});

test('while connections are refused those that are open stay', async () => {
  const caller = new Caller();
  caller.say('a');
  await caller.hears('A');
  await proxy.refuse();
  const refused = new Caller();
  await refused.until('the refusal', () => refused.ended !== undefined);
  expect(refused.ended).toBe('ECONNREFUSED');
  caller.say('b');
  await caller.hears('AB');
  await proxy.heal();
  const next = new Caller();
  next.say('c');
  await next.hears('C');
});
