/** Whose address a peer has behind a balancer, and that nobody else can make one up. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestPeer } from '@wmbp/testkit';
import { Nodes } from './nodes.ts';
import { localHeader, proxyHeader, rawHeader } from './proxy-header.ts';
import { closeOf, RawPeer } from './raw-peer.ts';

const NOBODY = Buffer.alloc(0);
const LOOK_UP = 'GET /ABCD HTTP/1.1\r\nHost: x\r\n\r\n';
/** As captured behind one: a checksum, and padding. */
const AWS_HEADER = proxyHeader(
  '203.0.113.7',
  Buffer.concat([Buffer.of(3, 0, 4, 0xe8, 0xd6, 0x89, 0x2d, 4, 0, 62), Buffer.alloc(62)]),
);
/** More than one address may ask for codes that do not exist, and less than two. */
const MANY = 70;

let nodes: Nodes;
const raw: RawPeer[] = [];
afterEach(async () => {
  for (const peer of raw.splice(0)) peer.drop();
  await nodes.close();
  expect(nodes.failures).toEqual([]);
});

async function says(...bytes: readonly (string | Uint8Array)[]): Promise<RawPeer> {
  const peer = await RawPeer.connected(nodes.playerPort);
  raw.push(peer);
  for (const part of bytes) await peer.write(part);
  return peer;
}

/** The statuses of all answers on this connection. */
async function statuses(peer: RawPeer): Promise<number[]> {
  const text = await peer.text();
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** So many of `MANY` look-ups of an unknown code were too many, with these headers in turn. */
async function tooMany(...headers: readonly Buffer[]): Promise<number> {
  const answers = Array.from({ length: MANY }, async (_, index) => {
    const header = headers[index % headers.length] ?? NOBODY;
    return statuses(await says(Buffer.concat([header, Buffer.from(LOOK_UP)])));
  });
  const all = (await Promise.all(answers)).flat();
  expect(all).toHaveLength(MANY);
  expect(all.filter((status) => status !== 404 && status !== 429)).toEqual([]);
  return all.filter((status) => status === 429).length;
}

/** The code with which a join of an unknown room is closed. */
async function join(header: Buffer): Promise<number | undefined> {
  const peer = await RawPeer.upgraded(nodes.playerPort, '/ABCD', header);
  raw.push(peer);
  return closeOf(await peer.frame())?.code;
}

async function counted(): Promise<Record<string, number>> {
  const answer = await fetch(`http://127.0.0.1:${nodes.gateways[0]?.adminPort}/metrics`);
  const lines = (await answer.text()).matchAll(/^wmbp_proxy_headers_total\{result="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, result, count]) => [result, Number(count)]));
}

describe('from a balancer that is configured', () => {
  const open = async (settings = {}): Promise<void> => {
    nodes = await Nodes.open(1, { WMBP_PROXY_PROTOCOL_FROM: '10.0.0.0/8, 127.0.0.1', ...settings });
  };

  test('two peers have a budget each, and one peer has one', async () => {
    await open();
    expect(await tooMany(proxyHeader('203.0.113.7'), proxyHeader('203.0.113.8'))).toBe(0);
    expect(await tooMany(proxyHeader('203.0.113.9'))).toBeGreaterThan(0);
    expect(await counted()).toEqual({ believed: 2 * MANY, ignored: 0, missing: 0, unread: 0 });
  });

  test('joins count like look-ups, on the same account', async () => {
    await open();
    const half = Array.from({ length: MANY / 2 });
    const poor = proxyHeader('203.0.113.7');
    const lookUps = half.map(async () => statuses(await says(Buffer.concat([poor, Buffer.from(LOOK_UP)]))));
    const joins = half.map(() => join(poor));
    const rich = await join(proxyHeader('203.0.113.8'));
    const all = (await Promise.all([...lookUps, ...joins])).flat();
    expect(all.filter((answer) => answer === 429 || answer === 1013).length).toBeGreaterThan(0);
    expect(rich).toBe(4501);
  });

  test('peers in one IPv6 network of 64 bits share a budget, those in another do not', async () => {
    await open();
    expect(await tooMany(proxyHeader('2001:db8:0:1::1'), proxyHeader('2001:db8:0:2::1'))).toBe(0);
    expect(await tooMany(proxyHeader('2001:db8:0:3::1'), proxyHeader('2001:db8:0:3:a::2'))).toBeGreaterThan(
      0,
    );
  });

  test('an IPv4 address mapped into IPv6 is the IPv4 address', async () => {
    await open();
    const mapped = '::ffff:cb00:7107';
    expect(await tooMany(proxyHeader('203.0.113.7'), proxyHeader(mapped))).toBeGreaterThan(0);
  });

  test('no header, and one that names nobody, mean the balancer itself', async () => {
    await open();
    expect(await tooMany(NOBODY, localHeader())).toBeGreaterThan(0);
    expect(await counted()).toEqual({ believed: 0, ignored: 0, missing: MANY, unread: 0 });
  });

  test('it is recognised on a listener of IPv6 too, where its IPv4 address is mapped', async () => {
    await open({ WMBP_HOST: '::' });
    expect(await tooMany(proxyHeader('203.0.113.7'), proxyHeader('203.0.113.8'))).toBe(0);
  });

  test('a header may come in pieces, and TLVs may follow the addresses', async () => {
    await open();
    const header = proxyHeader('203.0.113.7', Buffer.of(4, 0, 5, 1, 2, 3, 4, 5));
    for (const at of [1, 13, 16, 20, header.length]) {
      const peer = await says(header.subarray(0, at));
      await says();
      await peer.write(header.subarray(at));
      await peer.write(LOOK_UP);
      expect(await statuses(peer)).toEqual([404]);
    }
    expect((await counted())['believed']).toBe(5);
  });

  test('a game is played through it', async () => {
    await open();
    const { host, code } = await nodes.room(2);
    const player = await RawPeer.upgraded(nodes.playerPort, `/${code}`, proxyHeader('203.0.113.7'));
    raw.push(player);
    await host.expect('player_joined');
    await host.expect('state');
    await player.send(1, 'hello');
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: 1, data: 'hello' });
  });

  test('behind the first request a peer cannot add a header of its own', async () => {
    await open();
    const made = proxyHeader('203.0.113.8');
    const request = Buffer.concat([proxyHeader('203.0.113.7'), Buffer.from(LOOK_UP)]);
    const together = await says(Buffer.concat([request, made, Buffer.from(LOOK_UP)]));
    expect(await statuses(together)).toEqual([]);
    const after = await says(request);
    await after.until((bytes) => (bytes.includes('\r\n\r\n') ? bytes.length : undefined));
    await after.write(Buffer.concat([made, Buffer.from(LOOK_UP)]));
    expect(await statuses(after)).toEqual([]);
    expect(await counted()).toEqual({ believed: 2, ignored: 0, missing: 0, unread: 0 });
  });

  test('a header that is none, longer than the library reads, or not the only one is never answered, and harms nobody', async () => {
    await open();
    const addresses = proxyHeader('203.0.113.7').subarray(16);
    const wrong: readonly Buffer[] = [
      rawHeader(0x11, 0x11, addresses),
      rawHeader(0x21, 0x11, Buffer.concat([addresses, Buffer.alloc(25)])),
      proxyHeader('2001:db8::1', Buffer.of(4, 0, 0)),
      Buffer.from(proxyHeader('203.0.113.7').map((byte, index) => (index === 11 ? 0 : byte))),
      Buffer.concat([proxyHeader('203.0.113.7'), proxyHeader('203.0.113.8')]),
    ];
    const answers = wrong.map(async (header) => {
      const peer = await says(Buffer.concat([header, Buffer.from(LOOK_UP)]));
      return peer.text();
    });
    const longest = says(Buffer.concat([rawHeader(0x21, 0x11, Buffer.alloc(65_535)), Buffer.from(LOOK_UP)]));
    expect(await statuses(await longest)).toEqual([431]);
    expect(await Promise.all(answers)).toEqual(wrong.map(() => ''));
    expect(await statuses(await says(proxyHeader('203.0.113.7'), LOOK_UP))).toEqual([404]);
    expect(await counted()).toEqual({ believed: 1, ignored: 0, missing: 0, unread: wrong.length + 1 });
  }, 60_000);

  test('not read: what an AWS Network Load Balancer sends, version 1, a check that only connects; all are over in seconds, and counted', async () => {
    await open();
    const aws = await says(AWS_HEADER, LOOK_UP);
    const versionOne = await says('PROXY TCP4 203.0.113.7 10.0.0.5 12345 8081\r\n', LOOK_UP);
    const check = await says();
    expect(await statuses(versionOne)).toEqual([505]);
    expect([await aws.text(), await check.text()]).toEqual(['', '']);
    expect(await counted()).toEqual({ believed: 0, ignored: 0, missing: 0, unread: 3 });
  }, 60_000);

  test('sockets that were upgraded and look-ups are no such connections, however they end', async () => {
    await open();
    const { host, code } = await nodes.room(2);
    await nodes.joined(host, code);
    host.drop();
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const peer = await says(proxyHeader('203.0.113.7'), `${method} /${code} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await peer.until((bytes) => (bytes.includes('\r\n\r\n') ? bytes.length : undefined));
      peer.drop();
      await peer.gone;
    }
    (await says(proxyHeader('203.0.113.7'), LOOK_UP)).drop();
    expect(await counted()).toMatchObject({ unread: 0 });
  });

  test('LOCAL with addresses: those are taken, since the library does not say that it was LOCAL', async () => {
    await open();
    const local = localHeader(proxyHeader('203.0.113.7').subarray(16));
    expect(await tooMany(local, proxyHeader('203.0.113.8'))).toBe(0);
    expect(await counted()).toEqual({ believed: MANY, ignored: 0, missing: 0, unread: 0 });
  });
});

test('without a balancer, too, two peers have a budget each, whatever they ask for', async () => {
  nodes = await Nodes.open(1, { WMBP_HOST: '::' });
  const joins = Array.from({ length: MANY }, async (_, index) => {
    const player = new TestPeer(`ws://${index % 2 === 0 ? '[::1]' : '127.0.0.1'}:${nodes.playerPort}/ABCD`);
    return (await player.closed()).code;
  });
  expect(new Set(await Promise.all(joins))).toEqual(new Set([4501]));
});

describe('from anybody else a header changes nothing', () => {
  const made = Array.from({ length: MANY }, (_, index) => proxyHeader(`203.0.113.${index}`));

  test.each([
    ['nobody', ''],
    ['others', '10.0.0.0/8,127.0.0.2,::1'],
  ])('when %s is configured: whatever address it makes up, it has its own budget', async (_, sources) => {
    nodes = await Nodes.open(1, { WMBP_PROXY_PROTOCOL_FROM: sources });
    expect(await tooMany(...made)).toBeGreaterThan(0);
    expect(await counted()).toEqual({ believed: 0, ignored: MANY, missing: 0, unread: 0 });
  });

  test('it cannot spend the budget of another address either', async () => {
    nodes = await Nodes.open(1);
    expect(await tooMany(proxyHeader('::1'))).toBeGreaterThan(0);
    await nodes.close();
    nodes = await Nodes.open(1, { WMBP_HOST: '::' });
    expect(await tooMany(proxyHeader('::1'))).toBeGreaterThan(0);
    expect((await fetch(`http://[::1]:${nodes.playerPort}/ABCD`)).status).toBe(404);
  });
});
