/** HTTP that is none, or comes in no end, costs whoever sends it the connection; a game beside it goes on. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startServer, type ServerProcess } from '@wmbp/testkit';
import { Canary } from './canary.ts';
import { memoryMib } from './child.ts';
import { RawPeer } from './raw-peer.ts';

let server: ServerProcess;
let canary: Canary;
const raw: RawPeer[] = [];
beforeAll(async () => {
  server = await startServer();
});
beforeEach(async () => {
  canary = await Canary.open(server.port);
});
afterEach(async () => {
  for (const peer of raw.splice(0)) peer.drop();
  await canary.end();
  const failures = server.log.filter(({ level }) => Number(level) > 30);
  if (failures.length > 0) throw new Error(`the server logged ${JSON.stringify(failures)}`);
});
afterAll(async () => {
  server.kill('SIGKILL');
  await server.exited;
});

async function connected(): Promise<RawPeer> {
  const peer = await RawPeer.connected(server.port);
  raw.push(peer);
  return peer;
}

describe('HTTP that is none is answered or cut off', () => {
  test.each<[string, string | Buffer]>([
    ['no HTTP at all', Buffer.from('\u0000\u0001garbage\r\n\r\n')],
    ['TLS', Buffer.from('16030100f1010000ed0303', 'hex')],
    ['a PROXY header', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a version that is none', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n'],
    ['a header without an end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(200_000)}`],
    ['ten thousand headers', `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(10_000)}\r\n`],
    ['a path of 100 kB', `GET /${'A'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    [
      'lengths that disagree',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    ],
    ['a length that is none', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    ['chunks that are none', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZZ\r\n'],
    [
      'an upgrade to nothing known',
      'GET /CREATE HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    ],
    [
      'an upgrade with a key that is none',
      'GET /CREATE HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n',
    ],
    ['bytes above 127 in a path', Buffer.from('GET /\xff\xfe\xfd\xfc HTTP/1.1\r\nHost: x\r\n\r\n', 'latin1')],
  ])('%s', async (_, bytes) => {
    const peer = await connected();
    await peer.write(bytes);
    // A request that is not complete is waited for: what the library does then is the next test.
    const answer = peer.text();
    setTimeout(() => peer.tcp.end(), 200);
    expect(await answer).not.toContain('HTTP/1.1 2');
  });

  test('half a request, and not a word at all, are cut off after some seconds', async () => {
    const half = await connected();
    await half.write('GET / HTTP/1.1\r\nHost: x\r\n');
    const silent = await connected();
    await Promise.all([half.text(), silent.text()]);
  });

  test('requests sent without waiting for answers end the connection, and hold nobody up', async () => {
    const many = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20_000);
    const greedy = await Promise.all(Array.from({ length: 10 }, connected));
    for (const peer of greedy) {
      peer.pause();
      void peer.write(many);
    }
    for (const peer of greedy) peer.resume();
    for (const peer of greedy) expect((await peer.text()).split('HTTP/1.1').length).toBeLessThanOrEqual(2);
    expect(memoryMib(server.pid).now).toBeLessThan(400);
  });
});
