/** Rooms full of chatter, with people coming and going: nothing is lost, doubled or swapped, wherever peers sit. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { type HostEvent, type PlayerId } from '@wmbp/protocol';
import { type TestHost, type TestPeer } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';

const ROOMS = 2;
const SEATS = 4;
/** Players that come to each room, one after the other on each seat. */
const VISITS = 10;
const FRAMES = 50;
const SEEDS = [1, 2];

type Random = (below: number) => number;

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  afterEach(() => nodes.close());

  test.each([...SEEDS, Date.now() % 1_000_000])('seed %d', async (seed) => {
    nodes = await Nodes.open(count);
    const random = randomOf(seed);
    await Promise.all(Array.from({ length: ROOMS }, (_each, i) => party(nodes, `room ${i}`, random)));
    expect(nodes.failures).toEqual([]);
  });
});

async function party(nodes: Nodes, room: string, random: Random): Promise<void> {
  const { host, code } = await nodes.room(SEATS + 1);
  const hosting = hostUntilAllLeft(host, room, random);
  let visits = 0;
  const seats = Array.from({ length: SEATS }, async () => {
    while (visits < VISITS) {
      visits += 1;
      const name = `${room} visitor ${visits}`;
      await visit(await nodes.player(code), name, room, random);
    }
  });
  await Promise.all([hosting, ...seats]);
}

/** One player's stay: sends numbered frames, checks what its host sends, and goes when it has heard enough. */
async function visit(player: TestPeer, name: string, room: string, random: Random): Promise<void> {
  let sent = 0;
  let nextOwn = 0;
  let nextForAll: number | undefined;
  while (sent < FRAMES || nextOwn < FRAMES) {
    for (let burst = 1 + random(8); burst > 0 && sent < FRAMES; burst -= 1) {
      player.send(framed(`${name}|${sent}|${'x'.repeat(sizeOf(random))}`, sent % 2 === 0));
      sent += 1;
    }
    const { bytes, isBinary } = await player.next();
    const [addressee = '', number = ''] = Buffer.from(bytes).toString().split('|');
    expect(isBinary).toBe(Number(number) % 2 === 0);
    if (addressee === name) {
      expect(Number(number)).toBe(nextOwn);
      nextOwn += 1;
    } else {
      expect(addressee).toBe(`everybody in ${room}`);
      expect(Number(number)).toBe(nextForAll ?? Number(number));
      nextForAll = Number(number) + 1;
    }
  }
  if (random(2) === 0) player.close();
  else player.socket.close(1001);
}

interface Guest {
  readonly id: PlayerId;
  name: string | undefined;
  heard: number;
  answered: number;
}

/** Checks each player's frames, answers every one of them, and talks to everybody now and then. */
async function hostUntilAllLeft(host: TestHost, room: string, random: Random): Promise<void> {
  const guests = new Map<PlayerId, Guest>();
  const names = new Set<string>();
  let forAll = 0;
  let gone = 0;

  function onFrame(from: PlayerId, data: Uint8Array, isBinary: boolean): void {
    const guest = guests.get(from);
    if (!guest) throw new Error(`a frame of ${from}, who is not here`);
    const [name = '', number = ''] = Buffer.from(data).toString().split('|');
    guest.name ??= name;
    names.add(name);
    expect([name, Number(number), isBinary]).toEqual([guest.name, guest.heard, guest.heard % 2 === 0]);
    guest.heard += 1;
    if (random(5) === 0) {
      talk('all', `everybody in ${room}|${forAll}|`, forAll);
      forAll += 1;
    }
    talk([from], `${guest.name}|${guest.answered}|${'y'.repeat(sizeOf(random))}`, guest.answered);
    guest.answered += 1;
  }

  function talk(to: 'all' | readonly PlayerId[], text: string, number: number): void {
    host.command({ cmd: number % 2 === 0 ? 'to' : 'to_str', to, data: Buffer.from(text) });
  }

  function onEvent(event: HostEvent): void {
    switch (event.cmd) {
      case 'player_joined':
        expect(guests.has(event.player)).toBe(false);
        guests.set(event.player, { id: event.player, name: undefined, heard: 0, answered: 0 });
        return;
      case 'player_left':
        expect(guests.get(event.player)).toMatchObject({ heard: FRAMES });
        guests.delete(event.player);
        gone += 1;
        return;
      case 'state':
        expect(event.players).toEqual([...guests.keys()]);
        return;
      case 'from':
        return onFrame(event.from, event.data, true);
      case 'from_str':
        return onFrame(event.from, Buffer.from(event.data), false);
      case 'prepare_reply':
      case 'stop':
      case 'error':
        throw new Error(`unexpected ${JSON.stringify(event)}`);
    }
  }

  while (gone < VISITS) onEvent(await host.nextEvent());
  expect(names.size).toBe(VISITS);
}

function framed(text: string, isBinary: boolean): string | Uint8Array {
  return isBinary ? Buffer.from(text) : text;
}

/** Mostly small, sometimes beyond every buffer that is meant for small ones. */
function sizeOf(random: Random): number {
  return random(50) === 0 ? random(60_000) : random(200);
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
