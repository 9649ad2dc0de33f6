/** Plain HTTP on the public listener: look-ups of rooms, and a short text for everything else. */
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { within } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const NAMES = [
  '',
  'quiz',
  'Zwölf ☃ 🎲',
  '<script>alert(1)</script>',
  'x\r\nX-Injected: 1\r\n\r\n<html>',
  '\u0000\u001b[31m',
  'n'.repeat(1024),
];

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  /** Keeps its connection, so that an answer that disturbs the next one shows. */
  let agent: Agent;
  beforeEach(() => {
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  });
  afterEach(async () => {
    agent.destroy();
    await nodes.close();
  });

  async function ask(method: string, path: string, body?: string): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => {
      const headers = body === undefined ? {} : { 'Content-Length': body.length };
      const options = { host: '127.0.0.1', port: nodes.playerPort, method, path, headers, agent };
      const asking = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: text }),
        );
      });
      asking.on('error', reject);
      asking.end(body);
    });
    return within(`${method} ${path}`, answer);
  }

  function expectPlainText({ headers }: Answer): void {
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['x-injected']).toBeUndefined();
  }

  test.each(NAMES)(
    'a room named %j is found by its code in either case, its name the whole body',
    async (name) => {
      nodes = await Nodes.open(count);
      const { code } = await nodes.room(1, name);
      for (const path of [`/${code}`, `/${code.toLowerCase()}`, `/${code}?t=1`]) {
        const answer = await ask('GET', path);
        expect(answer).toMatchObject({ status: 200, body: name });
        expectPlainText(answer);
      }
    },
  );

  test('an unknown code is 404 Game not found', async () => {
    nodes = await Nodes.open(count);
    const answer = await ask('GET', '/ABCD');
    expect(answer).toMatchObject({ status: 404, body: 'Game not found' });
    expectPlainText(answer);
  });

  test('a code is unknown again when its room has ended', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1, 'quiz');
    host.command({ cmd: 'stop' });
    await host.closed();
    expect(await ask('GET', `/${code}`)).toMatchObject({ status: 404, body: 'Game not found' });
  });

  test('a full room is found', async () => {
    nodes = await Nodes.open(count);
    const { host, code } = await nodes.room(1, 'quiz');
    await nodes.joined(host, code);
    expect(await ask('GET', `/${code}`)).toMatchObject({ status: 200, body: 'quiz' });
  });

  test.each([
    '/',
    '/CREATE',
    '/ABC',
    '/ABCDE',
    '/ab1d',
    '/ABCD/',
    '/healthz',
    '/metrics',
    '/%00',
    '/../etc/passwd',
  ])('GET %s is 400 with a usage text', async (path) => {
    nodes = await Nodes.open(count);
    const answer = await ask('GET', path);
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('WMBP');
    expectPlainText(answer);
  });

  test('HEAD is GET without a body', async () => {
    nodes = await Nodes.open(count);
    const { code } = await nodes.room(1, 'Zwölf');
    for (const path of [`/${code}`, '/ABCD', '/']) {
      const get = await ask('GET', path);
      const head = await ask('HEAD', path);
      expect(head).toMatchObject({ status: get.status, body: '' });
      expect(head.headers['content-length']).toBe(get.headers['content-length']);
      expectPlainText(head);
    }
  });

  test('OPTIONS allows what a browser may ask for', async () => {
    nodes = await Nodes.open(count);
    for (const path of ['/ABCD', '/', '/CREATE']) {
      const answer = await ask('OPTIONS', path);
      expect(answer).toMatchObject({ status: 200, body: '' });
      expectPlainText(answer);
      expect(answer.headers['access-control-allow-methods']).toContain('GET');
    }
  });

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is 400, whatever its body', async (method) => {
    nodes = await Nodes.open(count);
    const { code } = await nodes.room(1, 'quiz');
    for (const path of [`/${code}`, '/']) {
      const answer = await ask(method, path, 'x'.repeat(100_000));
      expect(answer.status).toBe(400);
      expectPlainText(answer);
    }
  });
});
