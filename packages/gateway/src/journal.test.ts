import { beforeEach, describe, expect, test } from '@jest/globals';
import { roomCodeOf } from '@wmbp/protocol';
import { Journal } from './journal.ts';
import { type Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { Offenders } from './offenders.ts';

let lines: [event: string, fields: object][];
let metrics: Metrics;
let journal: Journal;
beforeEach(() => {
  lines = [];
  metrics = new Metrics();
  const write = (fields: object, event: string): void => void lines.push([event, fields]);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  journal = new Journal(log, metrics, new Offenders(log, true));
});

test('a room has a line when it opens and a line when it closes', () => {
  const room = roomCodeOf(7);
  journal.roomOpened(room, 8);
  journal.roomClosed(room, 'roomOver', 3);
  journal.tick();
  expect(lines).toEqual([
    ['room opened', { room, maxPlayers: 8 }],
    ['room closed', { room, why: 'roomOver', players: 3 }],
  ]);
});

test('beyond ten lines a second rooms are summed up; the next second has lines again', () => {
  for (let i = 0; i < 8; i += 1) journal.roomOpened(roomCodeOf(i), 8);
  for (let i = 0; i < 8; i += 1) journal.roomClosed(roomCodeOf(i), 'hostGone', 0);
  for (let i = 0; i < 5; i += 1) journal.roomOpened(roomCodeOf(i), 8);
  expect(lines).toHaveLength(10);
  journal.tick();
  expect(lines.slice(10)).toEqual([['more rooms opened and closed', { opened: 5, closed: 6 }]]);
  expect(metrics.roomsOpened).toBe(13);
  journal.roomOpened(roomCodeOf(1), 8);
  expect(lines.at(-1)?.[0]).toBe('room opened');
});

test('a link that is lost has a line; of hundreds in one second ten have, and a sum', () => {
  const room = roomCodeOf(7);
  for (let i = 0; i < 300; i += 1) journal.linkLost(room, 5);
  expect(lines).toEqual(Array.from({ length: 10 }, () => ['link lost', { room, node: 5 }]));
  journal.tick();
  expect(lines.slice(10)).toEqual([['more links lost', { lost: 290 }]]);
});

test('who was turned away is one line a second, by reason, and none when there was nobody', () => {
  for (let i = 0; i < 5000; i += 1) journal.refused('roomNotFound', '203.0.113.7');
  journal.refused('roomFull', '203.0.113.7');
  journal.expelled('slowConsumer');
  expect(lines).toEqual([]);
  journal.tick();
  expect(lines).toEqual([['peers turned away', { roomNotFound: 5000, roomFull: 1, slowConsumer: 1 }]]);
  journal.tick();
  expect(lines).toHaveLength(1);
});

test('refusals are counted by reason, and who was in already by itself', () => {
  journal.refused('roomFull', '203.0.113.7');
  journal.refused('roomFull', '203.0.113.7');
  journal.expelled('slowConsumer');
  expect([...metrics.refusals].filter(([, count]) => count > 0)).toEqual([['roomFull', 2]]);
  expect([...metrics.expulsions].filter(([, count]) => count > 0)).toEqual([['slowConsumer', 1]]);
});

describe('every ten seconds', () => {
  const addressed = (): typeof lines => lines.filter(([event]) => event === 'turned away by address');

  test('the addresses that concern somebody, and at the end what is left', () => {
    for (let second = 1; second <= 20; second += 1) {
      journal.refused('tooManyUnknownCodes', '203.0.113.7');
      journal.tick();
    }
    const line = (count: number): object => ({
      addresses: [{ address: '203.0.113.7', why: 'tooManyUnknownCodes', count }],
      others: 0,
    });
    expect(addressed().map(([, fields]) => fields)).toEqual([line(10), line(10)]);
    journal.expelled('flooding');
    journal.expelled('tooManyIdleHosts', '203.0.113.8');
    journal.tick(true);
    expect(addressed()).toHaveLength(3);
  });
});

describe('connections that could not be read', () => {
  const minute = (): void => {
    for (let second = 0; second < 60; second += 1) journal.tick();
  };

  test('are a line a minute, as long as nothing of a balancer can be read', () => {
    for (let i = 0; i < 300; i += 1) journal.unread();
    minute();
    minute();
    journal.unread();
    minute();
    const event = 'nothing that a balancer sends can be read';
    expect(lines).toEqual([
      [event, { connections: 300 }],
      [event, { connections: 1 }],
    ]);
    expect(metrics.proxyHeaders.unread).toBe(301);
  });

  test('are none while others come through, who says their address or not', () => {
    for (const result of ['believed', 'missing'] as const) {
      journal.unread();
      metrics.proxyHeaders[result] += 1;
      minute();
    }
    expect(lines).toEqual([]);
  });
});
