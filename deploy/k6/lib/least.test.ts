import { expect, test } from '@jest/globals';
import { answersInPart, eachRoom, eachRoomWithBreaks, roomsInTurn } from './least.ts';
import { type Plan } from './plan.ts';

const PLAN: Plan = {
  players: 8,
  seconds: 10,
  hostHz: 10,
  hostBytes: 100,
  playerHz: 5,
  playerBytes: 100,
  answersAll: true,
  form: 'both',
  patienceMs: 1000,
};

function numbers(thresholds: Readonly<Record<string, string[]>>): Record<string, number> {
  return Object.fromEntries(Object.entries(thresholds).map(([name, [text = '']]) => [name, number(text)]));
}

function number(threshold: string): number {
  expect(threshold).toMatch(/^count>=\d+$/);
  return Number(threshold.slice('count>='.length));
}

test('rooms played once do nine tenths of what they are told, but for one frame of each sender', () => {
  expect(numbers(eachRoom(PLAN, 2))).toEqual({
    rooms_finished: 2,
    players_joined: 16,
    frames_received: Math.floor(0.9 * 16 * (99 + 50 + 50)),
    answers_received: Math.floor(0.9 * 16 * 50),
  });
  expect(numbers(eachRoom({ ...PLAN, answersAll: false }, 2))).toMatchObject({
    frames_received: Math.floor(0.9 * 16 * (99 + 50 + 1)),
    answers_received: Math.floor(0.9 * 16),
  });
});

test('where hardly anybody talks, each player must still say hello and be answered', () => {
  const silent = { ...PLAN, hostHz: 0, playerHz: 0.01 };
  expect(numbers(eachRoom(silent, 1))).toMatchObject({ frames_received: 14, answers_received: 7 });
});

test('nothing is never enough', () => {
  const alone = { ...PLAN, players: 1, seconds: 0, answersAll: false };
  expect(numbers(eachRoom(alone, 1))).toMatchObject({ frames_received: 1, answers_received: 1 });
});

test('rooms with breaks have all their peers, and frames of half the time', () => {
  expect(numbers(eachRoomWithBreaks(PLAN, 2))).toEqual({
    rooms_finished: 2,
    players_joined: 16,
    frames_received: Math.floor(0.9 * 16 * (49 + 25 + 25)),
  });
});

test('rooms in turn do half of what one without an end would, however long the run', () => {
  const hour = numbers(roomsInTurn(PLAN, 2, 3600));
  expect(hour).toEqual({
    rooms_finished: 2 * 179,
    players_joined: 16 * 179,
    frames_received: Math.floor(0.9 * 16 * (17_949 + 8975 + 8975)),
    answers_received: Math.floor(0.9 * 16 * 8975),
  });
});

test('in a run shorter than a room, each place plays one, and that may be the shortest', () => {
  expect(numbers(roomsInTurn(PLAN, 2, 1))).toEqual({
    rooms_finished: 2,
    players_joined: 16,
    frames_received: Math.floor(0.9 * 16 * (49 + 25 + 25)),
    answers_received: Math.floor(0.9 * 16 * 25),
  });
});

test('a part of a run has half of its answers, or those of one room where it may be too short for one in each place', () => {
  expect(number(answersInPart(PLAN, 2, 900))).toBe(Math.floor(0.9 * 16 * Math.floor(442.5 * 5)));
  expect(number(answersInPart(PLAN, 2, 15))).toBe(8);
  expect(number(answersInPart(PLAN, 2, 1))).toBe(8);
});
