/** Bytes that mean harm cost whoever sends them their connection at most; a game beside them goes on. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodeHostEvent } from '@wmbp/protocol';
import { startServer, TestHost, type ServerProcess } from '@wmbp/testkit';
import fc from 'fast-check';
import { Canary } from './canary.ts';
import { memoryMib } from './child.ts';
import { clientFrame, closeOf, OPCODE, RawPeer } from './raw-peer.ts';

const MIB = 1024 * 1024;
const MASKED_EMPTY = [0x80, 0, 0, 0, 0] as const;

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

async function upgraded(path = '/CREATE'): Promise<RawPeer> {
  const peer = await RawPeer.upgraded(server.port, path);
  raw.push(peer);
  return peer;
}

async function openHost(): Promise<TestHost> {
  const host = await new TestHost(`ws://127.0.0.1:${server.port}/CREATE`).opened();
  await host.expect('state');
  await host.prepare(2);
  return host;
}

describe('WebSocket frames that RFC 6455 does not know end the connection', () => {
  test.each<[string, readonly number[]]>([
    ['a reserved bit', [0xc1, ...MASKED_EMPTY]],
    ['all reserved bits', [0xf2, ...MASKED_EMPTY]],
    ['opcode 3', [0x83, ...MASKED_EMPTY]],
    ['opcode 11', [0x8b, ...MASKED_EMPTY]],
    ['a ping in fragments', [0x09, ...MASKED_EMPTY]],
    ['a ping of 126 bytes', [0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...Array<number>(126).fill(0)]],
    ['a continuation of nothing', [0x80, ...MASKED_EMPTY]],
    ['a message within a message', [0x01, ...MASKED_EMPTY, 0x01, ...MASKED_EMPTY]],
    ['a length of 2^64 - 1', [0x82, 0xff, ...Array<number>(8).fill(0xff), 0, 0, 0, 0]],
    ['a length of 2^32', [0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['text that is not UTF-8', [...clientFrame(0x81, Buffer.of(0xff, 0xfe))]],
    ['text that ends within a letter', [...clientFrame(0x81, Buffer.of(0xe2, 0x82))]],
    ['a close of one byte', [...clientFrame(0x88, Buffer.of(3))]],
    ['a close with code 0', [...clientFrame(0x88, Buffer.of(0, 0))]],
    ['a close whose reason is not UTF-8', [...clientFrame(0x88, Buffer.of(3, 0xe8, 0xff))]],
  ])('%s', async (_, bytes) => {
    for (const path of ['/CREATE', '/ABCD']) {
      const peer = await upgraded(path);
      await peer.write(Uint8Array.from(bytes));
      await peer.frames();
    }
  });

  test('a frame without a mask costs nobody but its sender', async () => {
    const peer = await upgraded();
    await peer.write(Uint8Array.of(0x82, 1, 0xff));
    await peer.write(Buffer.alloc(1000, 0x82));
    peer.tcp.end();
    await peer.gone;
  });
});

describe('what a host says that is no command is an error event, its room lives on', () => {
  const vectors = JSON.parse(
    readFileSync(new URL('../../protocol/vectors/hostile.json', import.meta.url), 'utf8'),
  ) as { name: string; hex?: string; text?: string; error?: string }[];

  test('every hostile vector', async () => {
    const host = await openHost();
    for (const { name, hex, text } of vectors) {
      if (hex === undefined && text === undefined) continue;
      host.send(hex === undefined ? (text ?? '') : Buffer.from(hex, 'hex'));
      host.command({ cmd: 'prepare', name: '', max_players: 1 });
      for (;;) {
        const event = await host.nextEvent();
        if (event.cmd === 'prepare_reply') break;
        expect([name, event.cmd]).toEqual([name, expect.stringMatching(/^(error|state)$/)]);
      }
    }
    host.drop();
  });

  test('bytes and text at random', async () => {
    const host = await openHost();
    const starts = ['a263636d6462746f', 'a363636d6462746f62746f', 'bf63636d64', ''].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    const frame = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 40 }))
        .map((parts) => Buffer.concat(parts)),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.json().map((json) => `{"cmd":"to","to":${json},"data":${json}}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 50, maxLength: 50 }), async (frames) => {
        for (const each of frames) host.send(each);
        host.command({ cmd: 'prepare', name: '', max_players: 1 });
        while ((await host.nextEvent()).cmd !== 'prepare_reply');
      }),
      { numRuns: 40 },
    );
    host.drop();
  });
});

describe('eight MiB of it end in an error, or in nothing, within the time that many bytes take', () => {
  const fill = (byte: number): Buffer => Buffer.alloc(8 * MIB, byte);
  const cbor = (hex: string, length: number, rest: Buffer): Buffer => {
    const head = Buffer.from(hex, 'hex');
    const count = Buffer.alloc(4);
    count.writeUInt32BE(length);
    return Buffer.concat([head, count, rest]).subarray(0, 8 * MIB);
  };
  const million = Buffer.concat(
    Array.from({ length: 1_000_000 }, (_, i) =>
      Buffer.of(0x1a, i >>> 24, (i >>> 16) & 255, (i >>> 8) & 255, i & 255),
    ),
  );
  const TO = 'a363636d6462746f';

  test.each<[string, Buffer | string]>([
    ['arrays in arrays', fill(0x81)],
    ['arrays without an end', fill(0x9f)],
    ['maps in maps', fill(0xa1)],
    ['maps without an end', fill(0xbf)],
    ['tags of tags', fill(0xc1)],
    ['byte strings without an end', fill(0x5f)],
    ['breaks', fill(0xff)],
    ['JSON arrays in arrays', '['.repeat(8 * MIB)],
    ['JSON objects in objects', '{"a":'.repeat(1_600_000)],
    ['JSON escapes', `{"cmd":"to_str","to":[],"data":"${'\\u0000'.repeat(1_390_000)}"}`],
    ['a JSON string without an end', `{"cmd":"${'x'.repeat(8 * MIB - 8)}`],
    ['JSON numbers', `{"cmd":"to","to":[],"data":[${'1,'.repeat(4_000_000)}1]}`],
    ['JSON keys', `{${'"__proto__":{},'.repeat(500_000)}"cmd":"start"}`],
    [
      'deep in a field that is ignored',
      Buffer.concat([
        Buffer.from('a263636d6465737461727461', 'hex'),
        Buffer.from('78', 'hex'),
        fill(0x81),
      ]).subarray(0, 8 * MIB),
    ],
    [
      'a million ids',
      cbor(`${TO}62746f9a`, 1_000_000, Buffer.concat([million, Buffer.from('646461746140', 'hex')])),
    ],
    ['eight million integers', cbor(`${TO}62746f8064646174619a`, 8 * MIB - 24, fill(0x17))],
    ['a length that lies', cbor(`${TO}62746f8064646174615a`, 0xffff_ffff, fill(0))],
    ['a count that lies', cbor(`${TO}62746f9a`, 0xffff_ffff, fill(1))],
    ['a name of 8 MiB', `{"cmd":"prepare","max_players":1,"name":"${'x'.repeat(8 * MIB - 60)}"}`],
  ])('%s', async (_, frame) => {
    const host = await openHost();
    host.send(frame);
    host.command({ cmd: 'prepare', name: '', max_players: 1 });
    const events: string[] = [];
    for (let event = await host.nextEvent(); event.cmd !== 'prepare_reply'; event = await host.nextEvent()) {
      events.push(event.cmd);
    }
    expect(events.length).toBeLessThanOrEqual(1);
    host.drop();
    expect(memoryMib(server.pid).now).toBeLessThan(600);
  });
});

test('control frames in all shapes, commands in fragments of one byte, and no harm', async () => {
  const peer = await upgraded();
  await peer.frame();
  const command = Buffer.from('{"cmd":"prepare","max_players":3}');
  const pieces: Buffer[] = [];
  for (let i = 0; i < command.length; i += 1) {
    const first = (i === 0 ? OPCODE.text : 0) | (i === command.length - 1 ? 0x80 : 0);
    pieces.push(
      clientFrame(first, command.subarray(i, i + 1)),
      clientFrame(0x89, Buffer.from('p')),
      clientFrame(0x8a, Buffer.alloc(125)),
    );
  }
  await peer.write(Buffer.concat(pieces));
  const events: string[] = [];
  while (events.length < 2) {
    const frame = await peer.frame();
    if (frame?.opcode === OPCODE.binary) events.push(decodeHostEvent(frame.payload).cmd);
    else expect(frame?.opcode).toBe(OPCODE.pong);
  }
  expect(events).toEqual(['state', 'prepare_reply']);
  await peer.send(OPCODE.close, Buffer.of(0x03, 0xe8));
  expect(closeOf((await peer.frames()).at(-1))?.code).toBe(1000);
});
