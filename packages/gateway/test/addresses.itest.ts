/** Whose addresses are written to the log: who is turned away for what concerns an address, and nobody else's. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { addressesIn, Nodes } from './nodes.ts';
import { proxyHeader } from './proxy-header.ts';
import { RawPeer } from './raw-peer.ts';

const PEER = '203.0.113.7';
const BALANCER = '127.0.0.1';
const LOOK_UP = 'GET /ABCD HTTP/1.1\r\nHost: x\r\n\r\n';
/** More than an address may ask for codes that do not exist. */
const MANY = 70;

let nodes: Nodes;
const raw: RawPeer[] = [];
afterEach(async () => {
  for (const peer of raw.splice(0)) peer.drop();
  await nodes.close();
});

async function tryCodes(header: Buffer): Promise<void> {
  const half = Array.from({ length: MANY / 2 });
  const lookUps = half.map(async () => {
    const peer = await RawPeer.connected(nodes.playerPort);
    raw.push(peer);
    await peer.write(Buffer.concat([header, Buffer.from(LOOK_UP)]));
    return peer.text();
  });
  const joins = half.map(async () => {
    const peer = await RawPeer.upgraded(nodes.playerPort, '/ABCD', header);
    raw.push(peer);
    return peer.frame();
  });
  await Promise.all([...lookUps, ...joins]);
}

/** A party, a typing error, a full room; a host that never reads on, and a kick. */
async function playHonestly(): Promise<void> {
  const { host, code } = await nodes.room(2);
  const { player } = await nodes.joined(host, code);
  await nodes.joined(host, code);
  await (await nodes.player(code)).closed();
  await (await nodes.player(code === 'ABCD' ? 'BCDE' : 'ABCD')).closed();
  host.command({ cmd: 'kick', player: 1 as never });
  await player.closed();
  host.drop();
}

/** All that is written, once the node is closed. */
async function log(): Promise<string> {
  await nodes.close();
  return JSON.stringify(nodes.log.filter(({ event }) => event !== 'listening'));
}

test('who tries codes: the address that a balancer names, and never its own', async () => {
  nodes = await Nodes.open(1, { WMBP_PROXY_PROTOCOL_FROM: BALANCER, WMBP_HOST: BALANCER });
  await tryCodes(proxyHeader(PEER));
  await nodes.close();
  expect(addressesIn(nodes.log)).toEqual([`tooManyUnknownCodes ${PEER}`]);
});

test('who makes up an address is written with its own', async () => {
  nodes = await Nodes.open(1);
  await tryCodes(proxyHeader(PEER));
  expect(await log()).not.toContain(PEER);
  expect(addressesIn(nodes.log)).toEqual([`tooManyUnknownCodes ${BALANCER}`]);
});

test('of an IPv6 peer the network', async () => {
  nodes = await Nodes.open(1, { WMBP_PROXY_PROTOCOL_FROM: BALANCER });
  await tryCodes(proxyHeader('2001:db8:0:3:a::2'));
  await nodes.close();
  expect(addressesIn(nodes.log)).toEqual(['tooManyUnknownCodes 2001:0db8:0000:0003::/64']);
});

test('who holds sockets idle until others are crowded out, and who sends frames that are too large', async () => {
  nodes = await Nodes.open(1, { WMBP_MAX_SOCKETS: '8', WMBP_MAX_FRAME_BYTES: '1024' });
  for (let i = 0; i < 3; i += 1) await nodes.host();
  const { host, code } = await nodes.room(2);
  const { player } = await nodes.joined(host, code);
  player.send(new Uint8Array(1025));
  await player.closed();
  await nodes.close();
  expect(addressesIn(nodes.log)).toEqual([`frameTooLarge ${BALANCER}`, `tooManyIdleHosts ${BALANCER}`]);
});

describe('no address is written', () => {
  test.each([1, 2] as const)('of an honest party on %d nodes', async (count) => {
    nodes = await Nodes.open(count);
    await playHonestly();
    expect(await log()).not.toContain(BALANCER);
    expect(addressesIn(nodes.log)).toEqual([]);
  });

  test('at all where the operator does not want it', async () => {
    nodes = await Nodes.open(1, { WMBP_LOG_ADDRESSES: '0', WMBP_PROXY_PROTOCOL_FROM: BALANCER });
    await tryCodes(proxyHeader(PEER));
    expect(await log()).toContain('tooManyUnknownCodes');
    expect(await log()).not.toContain(PEER);
    expect(addressesIn(nodes.log)).toEqual([]);
  });
});
