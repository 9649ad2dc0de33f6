/** What an operator sees who sets something, or sets it wrong. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ROOT } from '@wmbp/testkit';
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
  expect(helped.stdout.match(/^ {2}WMBP_/gm)).toHaveLength(17);
  expect(helped.stderr).toBe('');
});

describe('deploy/README.md says of', () => {
  const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');
  /** The first column of its tables. */
  const documented = async (): Promise<string> =>
    [...(await read('deploy/README.md')).matchAll(/^\| (`[^|]+`) \|/gm)].map(([, names]) => names).join();

  test('every setting its default and its range, in a row of its own', async () => {
    const helped = start({}, '--help');
    await helped.exit();
    const rows = /^ {2}(WMBP_\w+) +(\S+) .*?(?: \[(\d+) to (\d+)\])?$/gm;
    const settings = [...helped.stdout.matchAll(rows)].map(([, name, byDefault, min, max]) => {
      const isEmpty = byDefault === '(empty)';
      return [name, isEmpty ? 'empty' : byDefault, min === undefined ? '' : `${min} to ${max}`];
    });
    expect(settings).toHaveLength(17);
    expect(settings.filter(([, , range]) => range !== '')).toHaveLength(12);
    expect(settingsOf(await read('deploy/README.md'))).toEqual(settings);
  });

  test('every variable of docker-compose.yml what it is', async () => {
    const rows = await documented();
    const names = [...(await read('docker-compose.yml')).matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !rows.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Name, default and range of each, with sizes in bytes; remarks in brackets are for readers. */
function settingsOf(readme: string): string[][] {
  const [, section = ''] = /^## Settings$(.*?)^## /ms.exec(readme) ?? [];
  return [...section.matchAll(/^\| `(WMBP_\w+)` \| (.*?) \| (.*?) ?\| /gm)].map(([, name = '', ...cells]) => [
    name,
    ...cells.slice(0, 2).map((cell) => inBytes(cell.replace(/ \(.*\)$/, '').replaceAll('`', ''))),
  ]);
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

function inBytes(text: string): string {
  return text.replaceAll(/(\d+) ([KMGT]iB)/g, (_, count: string, unit: (typeof UNITS)[number]) =>
    String(Number(count) * 1024 ** (UNITS.indexOf(unit) + 1)),
  );
}

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
