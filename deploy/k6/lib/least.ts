/** How much a run must have done at least, from what it was told: without these thresholds one that did nothing passes. */
import { type Plan } from './plan.ts';

/** Of frames, where all that the rooms do is to play. A busy machine manages that. */
const NEARLY_ALL = 0.9;
/** Of the time, where peers come and go in it: what they need for that is not known before. */
const HALF = 0.5;

type Least = Readonly<Record<string, string[]>>;

/** Each room is played once, from its beginning to its end. */
export function eachRoom(plan: Plan, rooms: number): Least {
  return {
    rooms_finished: [atLeast(rooms)],
    players_joined: [atLeast(rooms * plan.players)],
    frames_received: [atLeast(leastFrames(plan, rooms))],
    answers_received: [atLeast(leastAnswers(plan, rooms))],
  };
}

/** Each room is played once, and its peers are away for some of the time. */
export function eachRoomWithBreaks(plan: Plan, rooms: number): Least {
  return {
    rooms_finished: [atLeast(rooms)],
    players_joined: [atLeast(rooms * plan.players)],
    frames_received: [atLeast(leastFrames({ ...plan, seconds: HALF * plan.seconds }, rooms))],
  };
}

/**
 * In each place one room after the other is played; the last one to its end.
 * @param plan of a room of middling length; the shortest is half as long
 */
export function roomsInTurn(plan: Plan, places: number, runSeconds: number): Least {
  const seconds = Math.max(plan.seconds / 2, HALF * (runSeconds - plan.seconds));
  const rooms = places * Math.max(1, Math.floor(seconds / plan.seconds));
  const played = { ...plan, seconds };
  return {
    rooms_finished: [atLeast(rooms)],
    players_joined: [atLeast(rooms * plan.players)],
    frames_received: [atLeast(leastFrames(played, places))],
    answers_received: [atLeast(leastAnswers(played, places))],
  };
}

/**
 * Answers in the rooms that begin within one part of such a run. Where parts are too short for each place to begin a room
 * in it, one room is enough.
 */
export function answersInPart(plan: Plan, places: number, partSeconds: number): string {
  const seconds = HALF * (partSeconds - 1.5 * plan.seconds);
  return atLeast(seconds > 0 ? leastAnswers({ ...plan, seconds }, places) : plan.players);
}

/** Each sender begins to talk at a random moment, and so may be one frame short. */
function leastFrames(plan: Plan, rooms: number): number {
  const fromHost = Math.max(0, Math.floor(plan.seconds * plan.hostHz) - 1);
  return nearly(rooms * plan.players * (fromHost + fromPlayer(plan) + answers(plan)));
}

function leastAnswers(plan: Plan, rooms: number): number {
  return nearly(rooms * plan.players * answers(plan));
}

/** With the first, by which it is in. */
function fromPlayer({ seconds, playerHz }: Plan): number {
  return 1 + Math.max(0, Math.floor(seconds * playerHz) - 1);
}

function answers(plan: Plan): number {
  return plan.answersAll ? fromPlayer(plan) : 1;
}

function nearly(count: number): number {
  return Math.max(1, Math.floor(NEARLY_ALL * count));
}

function atLeast(count: number): string {
  return `count>=${count}`;
}
