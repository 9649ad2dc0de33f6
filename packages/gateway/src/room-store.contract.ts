/** What a `RoomStore` is, as tests: every implementation passes them, seen from two nodes. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, ROOM_CODES, roomCodeOf, type RoomCode } from '@wmbp/protocol';
import { randomInt } from 'node:crypto';
import { drawEpoch, drawNodeId, type Epoch } from './names.ts';
import { type NewRoom, type RoomAssertion, type RoomStore } from './room-store.ts';

/** Two nodes' ways to one truth. */
export interface TwoStores {
  readonly first: RoomStore;
  readonly second: RoomStore;
  close(): Promise<void>;
}

const HOST_NODE = drawNodeId();
const OTHER_NODE = drawNodeId();

export function roomStoreContract(open: () => Promise<TwoStores>): void {
  let stores: TwoStores;
  let first: RoomStore;
  let second: RoomStore;
  beforeEach(async () => {
    stores = await open();
    ({ first, second } = stores);
  });
  afterEach(() => stores.close());

  /** A room that no other test has, opened by the first node. */
  async function opened(maxPlayers: number, name = ''): Promise<NewRoom> {
    const room = newRoom(maxPlayers, name);
    expect(await first.create(room)).toEqual(expect.any(Number));
    return room;
  }

  /** What the host's node of a fresh room knows of it. */
  async function openedAt(maxPlayers: number, name = ''): Promise<RoomAssertion> {
    const room = newRoom(maxPlayers, name);
    const openedAtMs = (await first.create(room)) ?? NaN;
    return { ...room, openedAtMs, isLocked: false, nextPlayer: 1, members: [] };
  }

  async function joinAll(code: RoomCode, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1)
      expect(await second.join(code, OTHER_NODE)).toMatchObject({ ok: true });
  }

  describe('create', () => {
    test('opens a room that both nodes find, by its name', async () => {
      const { code } = await opened(8, 'quiz');
      expect(await first.find(code)).toMatchObject({ name: 'quiz' });
      expect(await second.find(code)).toMatchObject({ name: 'quiz' });
    });

    test.each(['', 'Zwölf ☃ 🎲', 'x\r\ny\u0000z', '0', 'nil', 'é'.repeat(512)])(
      'keeps the name %j',
      async (name) => {
        const { code } = await opened(1, name);
        expect(await second.find(code)).toMatchObject({ name: name });
      },
    );

    test('refuses a code in use, and changes nothing', async () => {
      const room = await opened(1, 'mine');
      expect(
        await second.create({ ...room, epoch: drawEpoch(), name: 'theirs', maxPlayers: 9 }),
      ).toBeUndefined();
      expect(await first.find(room.code)).toMatchObject({ name: 'mine' });
      expect(await first.join(room.code, HOST_NODE)).toMatchObject({ ok: true, epoch: room.epoch });
      expect(await first.join(room.code, HOST_NODE)).toEqual({ ok: false, why: 'roomFull' });
    });

    test('twice is once: the room is as it was, with whoever has joined meanwhile', async () => {
      const room = newRoom(2);
      const openedAtMs = await first.create(room);
      await joinAll(room.code, 1);
      expect(await first.create(room)).toBe(openedAtMs);
      expect(await second.join(room.code, OTHER_NODE)).toMatchObject({ ok: true, player: 2 });
      expect(await second.join(room.code, OTHER_NODE)).toEqual({ ok: false, why: 'roomFull' });
    });

    test('lets one of many win who ask for one code at once', async () => {
      const { code } = newRoom(1);
      const asked = Array.from({ length: 20 }, (_, i) => ({ ...newRoom(i), code }));
      const won = await Promise.all(asked.map((room, i) => (i % 2 ? first : second).create(room)));
      expect(won.filter(Boolean)).toHaveLength(1);
      const winner = asked[won.findIndex((openedAtMs) => openedAtMs !== undefined)];
      expect(await first.close(code, winner?.epoch ?? drawEpoch())).toBe(true);
    });
  });

  describe('join', () => {
    test('answers with the room it joined, and ids from 1 in order, whoever asks', async () => {
      const { code, epoch } = await opened(3);
      expect(await first.join(code, HOST_NODE)).toEqual({ ok: true, player: 1, epoch, hostNode: HOST_NODE });
      expect(await second.join(code, OTHER_NODE)).toEqual({
        ok: true,
        player: 2,
        epoch,
        hostNode: HOST_NODE,
      });
      expect(await first.join(code, HOST_NODE)).toEqual({ ok: true, player: 3, epoch, hostNode: HOST_NODE });
    });

    test('keeps the widest epoch and node id to the last bit', async () => {
      const room = {
        ...newRoom(1),
        epoch: (2 ** 48 - 2) as Epoch,
        hostNode: (2 ** 32 - 1) as typeof HOST_NODE,
      };
      await first.create(room);
      const { epoch, hostNode } = room;
      expect(await second.join(room.code, OTHER_NODE)).toEqual({ ok: true, player: 1, epoch, hostNode });
      expect(await second.close(room.code, epoch)).toBe(true);
    });

    test('knows no room that was never opened', async () => {
      const { code } = newRoom(1);
      expect(await first.join(code, HOST_NODE)).toEqual({ ok: false, why: 'roomNotFound' });
      expect(await first.find(code)).toBeUndefined();
    });

    test('admits nobody where there is room for nobody', async () => {
      const { code } = await opened(0);
      expect(await first.join(code, HOST_NODE)).toEqual({ ok: false, why: 'roomFull' });
    });

    test('has room for as many as there are ids', async () => {
      const { code } = await opened(0xffff_ffff);
      expect(await second.join(code, OTHER_NODE)).toMatchObject({ ok: true, player: 1 });
    });

    test('admits exactly maxPlayers when fifty ask at once, each under an id of its own', async () => {
      const { code } = await opened(8);
      const asked = Array.from({ length: 50 }, (_, i) => (i % 2 ? first : second).join(code, OTHER_NODE));
      const results = await Promise.all(asked);
      const ids = results.flatMap((result) => (result.ok ? [Number(result.player)] : []));
      expect(ids.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(results.filter((result) => !result.ok && result.why === 'roomFull')).toHaveLength(42);
    });

    test('never gives an id twice, not even one that a refused player might have had', async () => {
      const { code, epoch } = await opened(1);
      for (let id = 1; id <= 5; id += 1) {
        expect(await first.join(code, HOST_NODE)).toMatchObject({ ok: true, player: id });
        expect(await second.join(code, OTHER_NODE)).toMatchObject({ ok: false });
        expect(await second.leave(code, epoch, playerId(id))).toBe(true);
      }
    });
  });

  describe('leave', () => {
    test('frees a seat, wherever the player joined', async () => {
      const { code, epoch } = await opened(1);
      await joinAll(code, 1);
      expect(await first.leave(code, epoch, playerId(1))).toBe(true);
      await joinAll(code, 1);
    });

    test('of two calls for one player one is true', async () => {
      const { code, epoch } = await opened(2);
      await joinAll(code, 2);
      const both = [first.leave(code, epoch, playerId(1)), second.leave(code, epoch, playerId(1))];
      expect(new Set(await Promise.all(both))).toEqual(new Set([false, true]));
      expect(await first.leave(code, epoch, playerId(1))).toBe(false);
      await joinAll(code, 1);
      expect(await first.join(code, HOST_NODE)).toMatchObject({ why: 'roomFull' });
    });

    test('is false for a player that never joined, another room and another epoch', async () => {
      const { code, epoch } = await opened(1);
      await joinAll(code, 1);
      expect(await first.leave(code, epoch, playerId(2))).toBe(false);
      expect(await first.leave(newRoom(1).code, epoch, playerId(1))).toBe(false);
      expect(await first.leave(code, drawEpoch(), playerId(1))).toBe(false);
      expect(await second.join(code, OTHER_NODE)).toMatchObject({ why: 'roomFull' });
    });
  });

  describe('lock', () => {
    test('keeps everybody out, also from a seat that is left', async () => {
      const { code, epoch } = await opened(2);
      await joinAll(code, 1);
      expect(await first.lock(code, epoch)).toBe(true);
      expect(await second.join(code, OTHER_NODE)).toEqual({ ok: false, why: 'roomStarted' });
      expect(await second.leave(code, epoch, playerId(1))).toBe(true);
      expect(await second.join(code, OTHER_NODE)).toEqual({ ok: false, why: 'roomStarted' });
      expect(await second.find(code)).toMatchObject({ name: '' });
    });

    test('says that a room has started even when it is full', async () => {
      const { code, epoch } = await opened(1);
      await joinAll(code, 1);
      await first.lock(code, epoch);
      expect(await second.join(code, OTHER_NODE)).toEqual({ ok: false, why: 'roomStarted' });
    });

    test('twice is once', async () => {
      const { code, epoch } = await opened(1);
      expect(await first.lock(code, epoch)).toBe(true);
      expect(await second.lock(code, epoch)).toBe(true);
    });

    test('does nothing to another epoch, and is false where there is no room', async () => {
      const { code } = await opened(1);
      expect(await first.lock(code, drawEpoch())).toBe(false);
      expect(await first.lock(newRoom(1).code, drawEpoch())).toBe(false);
      await joinAll(code, 1);
    });
  });

  describe('close', () => {
    test('ends the room for everybody', async () => {
      const { code, epoch } = await opened(3, 'quiz');
      await joinAll(code, 2);
      expect(await first.close(code, epoch)).toBe(true);
      expect(await second.join(code, OTHER_NODE)).toEqual({ ok: false, why: 'roomNotFound' });
      expect(await second.find(code)).toBeUndefined();
      expect(await second.lock(code, epoch)).toBe(false);
      expect(await second.leave(code, epoch, playerId(1))).toBe(false);
    });

    test('of two calls one is true', async () => {
      const { code, epoch } = await opened(1);
      const both = await Promise.all([first.close(code, epoch), second.close(code, epoch)]);
      expect(new Set(both)).toEqual(new Set([false, true]));
    });

    test('frees the code; the next room under it starts anew', async () => {
      const { code, epoch } = await opened(1, 'old');
      await joinAll(code, 1);
      await first.lock(code, epoch);
      await first.close(code, epoch);
      const next = { ...newRoom(2, 'new'), code, hostNode: OTHER_NODE };
      expect(await second.create(next)).toEqual(expect.any(Number));
      expect(await first.find(code)).toMatchObject({ name: 'new' });
      const joined = await first.join(code, HOST_NODE);
      expect(joined).toEqual({ ok: true, player: 1, epoch: next.epoch, hostNode: OTHER_NODE });
    });

    test('of a room of the past does nothing to the one that has its code now', async () => {
      const { code, epoch } = await opened(1);
      await first.close(code, epoch);
      await second.create({ ...newRoom(1), code });
      await joinAll(code, 1);
      expect(await first.close(code, epoch)).toBe(false);
      expect(await first.leave(code, epoch, playerId(1))).toBe(false);
      expect(await first.lock(code, epoch)).toBe(false);
      expect(await first.join(code, HOST_NODE)).toEqual({ ok: false, why: 'roomFull' });
    });
  });

  describe('reap', () => {
    test('takes the seats of one node, and says whose they were', async () => {
      const { code, epoch } = await opened(4);
      await joinAll(code, 2);
      await first.join(code, HOST_NODE);
      expect([...(await first.reap(code, epoch, OTHER_NODE))].toSorted((a, b) => a - b)).toEqual([1, 2]);
      expect(await first.reap(code, epoch, OTHER_NODE)).toEqual([]);
      expect(await first.leave(code, epoch, playerId(3))).toBe(true);
    });

    test('of a room of the past takes nothing from the one that has its code now', async () => {
      const { code, epoch } = await opened(4);
      await joinAll(code, 1);
      expect(await first.reap(code, drawEpoch(), OTHER_NODE)).toEqual([]);
      expect(await first.leave(code, epoch, playerId(1))).toBe(true);
    });
  });

  describe('seatedNodes', () => {
    test('says once which nodes have seats in the room, and whose room it is', async () => {
      const { code, epoch } = await opened(4);
      expect(await first.seatedNodes(code)).toEqual({ epoch, nodes: [] });
      await joinAll(code, 2);
      await first.join(code, HOST_NODE);
      const seated = await second.seatedNodes(code);
      expect(seated?.epoch).toBe(epoch);
      expect(new Set(seated?.nodes)).toEqual(new Set([OTHER_NODE, HOST_NODE]));
      expect(seated?.nodes).toHaveLength(2);
      await first.close(code, epoch);
      expect(await first.seatedNodes(code)).toBeUndefined();
    });
  });

  describe('assertRoom', () => {
    test('keeps a room that is there, and gives seats of the host node back that it does not hold', async () => {
      const room = await openedAt(3);
      await joinAll(room.code, 1);
      await first.join(room.code, HOST_NODE);
      await first.join(room.code, HOST_NODE);
      const members = [[playerId(1), OTHER_NODE] as const, [playerId(3), HOST_NODE] as const];
      expect(await first.assertRoom({ ...room, members, nextPlayer: 2 }, false)).toBe('kept');
      expect(await first.leave(room.code, room.epoch, playerId(2))).toBe(false);
      expect(await first.leave(room.code, room.epoch, playerId(3))).toBe(true);
      expect(await second.join(room.code, OTHER_NODE)).toMatchObject({ ok: true, player: 4 });
    });

    test('restores a room that is missing with its members, its lock and its ids', async () => {
      const room = await openedAt(3, 'quiz');
      await first.close(room.code, room.epoch);
      const members = [[playerId(5), OTHER_NODE] as const];
      expect(await first.assertRoom({ ...room, members, nextPlayer: 9 }, true)).toBe('restored');
      expect(await second.find(room.code)).toMatchObject({ name: 'quiz', epoch: room.epoch });
      expect(await second.join(room.code, OTHER_NODE)).toMatchObject({ ok: true, player: 9 });
      expect(await first.leave(room.code, room.epoch, playerId(5))).toBe(true);
      expect(await first.assertRoom({ ...room, members: [], nextPlayer: 1, isLocked: true }, true)).toBe(
        'kept',
      );
      expect(await second.join(room.code, OTHER_NODE)).toEqual({ ok: false, why: 'roomStarted' });
    });

    test('leaves a missing room missing when it was not to be restored', async () => {
      const room = await openedAt(3);
      await first.close(room.code, room.epoch);
      expect(await first.assertRoom(room, false)).toBe('gone');
      expect(await first.find(room.code)).toBeUndefined();
    });

    test('of two rooms under one code the older one stays, whoever asserts first', async () => {
      const older = await openedAt(3);
      const younger = { ...older, epoch: drawEpoch(), openedAtMs: older.openedAtMs + 1, name: 'younger' };
      expect(await second.assertRoom(younger, true)).toBe('superseded');
      await first.close(older.code, older.epoch);
      expect(await second.assertRoom(younger, true)).toBe('restored');
      const { epoch, hostNode } = younger;
      expect(await first.assertRoom(older, true)).toEqual({ epoch, hostNode });
      expect(await first.find(older.code)).toMatchObject({ epoch: older.epoch });
      expect(await second.assertRoom(younger, true)).toBe('superseded');
    });
  });

  describe('assertPlayers', () => {
    test('gives seats of the node back that it does not hold, and says who has none', async () => {
      const { code, epoch } = await opened(4);
      await joinAll(code, 2);
      await first.join(code, HOST_NODE);
      const seatless = await second.assertPlayers(code, epoch, OTHER_NODE, [2, 3, 7].map(playerId));
      expect(seatless).toEqual([3, 7]);
      expect(await first.leave(code, epoch, playerId(1))).toBe(false);
      expect(await first.leave(code, epoch, playerId(2))).toBe(true);
      expect(await first.leave(code, epoch, playerId(3))).toBe(true);
    });

    test('knows the room by its code alone, when the epoch is not known', async () => {
      const { code, epoch } = await opened(4);
      await joinAll(code, 1);
      expect(await second.assertPlayers(code, undefined, OTHER_NODE, [])).toEqual([]);
      expect(await first.leave(code, epoch, playerId(1))).toBe(false);
    });

    test('of a room that is over, or of another epoch, changes nothing', async () => {
      const { code, epoch } = await opened(4);
      await joinAll(code, 1);
      expect(await second.assertPlayers(code, drawEpoch(), OTHER_NODE, [])).toBeUndefined();
      expect(await first.leave(code, epoch, playerId(1))).toBe(true);
      await first.close(code, epoch);
      expect(await second.assertPlayers(code, epoch, OTHER_NODE, [])).toBeUndefined();
    });
  });
}

function newRoom(maxPlayers: number, name = ''): NewRoom {
  return {
    code: roomCodeOf(randomInt(ROOM_CODES)),
    epoch: drawEpoch(),
    name,
    maxPlayers,
    hostNode: HOST_NODE,
  };
}
