/** What an operator sees who sets something, or sets it wrong. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Child, MAIN } from './child.ts';

let child: Child | undefined;
afterEach(() => child?.end());

function start(env: Readonly<Record<string, string>>, ...args: string[]): Child {
  child = new Child([MAIN, ...args], env);
  return child;
}

async function expectRefusal(env: Readonly<Record<string, string>>, ...parts: string[]): Promise<void> {
  const refused = start(env);
  expect(await refused.exit()).toEqual({ code: 1, signal: null });
  expect(refused.stdout).toBe('');
  expect(refused.stderr).toMatch(/^wmbp: [^\n]+\n$/);
  for (const part of parts) expect(refused.stderr).toContain(part);
}

test('--help lists the settings, opens nothing and ends well', async () => {
  const helped = start({ WMBP_PORT: 'wrong' }, '--help');
  expect(await helped.exit()).toEqual({ code: 0, signal: null });
  expect(helped.stdout.match(/^ {2}WMBP_/gm)).toHaveLength(16);
  expect(helped.stderr).toBe('');
});

test('an argument that means nothing is one clear line', async () => {
  const refused = start({}, '--port=80');
  expect(await refused.exit()).toEqual({ code: 1, signal: null });
  expect(refused.stderr).toBe(
    'wmbp: unknown argument "--port=80"; settings are environment variables, see --help\n',
  );
});

describe('one clear line, and the end, for', () => {
  test('a wrong value', () => expectRefusal({ WMBP_MAX_ROOMS: 'many' }, 'WMBP_MAX_ROOMS="many": expected'));

  test('several mistakes together', () =>
    expectRefusal({ WMBP_PORT: 'x\ny', WMBP_PROT: '1' }, 'WMBP_PORT', 'WMBP_PROT: unknown setting'));

  test('a Redis that is none', () =>
    expectRefusal(
      { WMBP_REDIS_URL: 'http://user:secret@127.0.0.1' },
      'WMBP_REDIS_URL: expected redis[s]://',
    ));

  test('a range of addresses that is none', () =>
    expectRefusal(
      { WMBP_PROXY_PROTOCOL_FROM: '10.0.0.0/8,10.0.0.0/33' },
      'WMBP_PROXY_PROTOCOL_FROM: expected IP addresses or ranges',
      '"10.0.0.0/33" is none',
    ));

  test('what Kubernetes sets for a Service named wmbp', () =>
    expectRefusal({ WMBP_PORT: 'tcp://10.0.0.1:8081' }, 'enableServiceLinks: false'));

  test('a host that is none', () =>
    expectRefusal({ WMBP_HOST: 'no-such-host.invalid' }, 'no-such-host.invalid'));

  test.each(['WMBP_PORT', 'WMBP_ADMIN_PORT'])('%s in use', async (name) => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
    });
    try {
      await expectRefusal({ [name]: String(port) }, `127.0.0.1:${port}`, 'in use');
    } finally {
      holder.close();
    }
  });

  test('the port of another server of ours', async () => {
    const first = new Child([MAIN]);
    try {
      const port = await first.listening();
      await expectRefusal({ WMBP_PORT: String(port) }, `127.0.0.1:${port}`, 'in use');
    } finally {
      first.end();
    }
  });
});

test('an empty WMBP_ADMIN_PORT means no listener for operations', async () => {
  const server = start({ WMBP_ADMIN_PORT: '' });
  await server.listening();
  expect(server.lines).toHaveLength(1);
  expect(JSON.parse(server.stdout)).not.toHaveProperty('adminPort');
});
