/** What a `RoomStore` is, as tests: every implementation passes them, seen from two nodes. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, ROOM_CODES, roomCodeOf, type RoomCode } from '@wmbp/protocol';
import { randomInt } from 'node:crypto';
import { drawEpoch, drawNodeId, type Epoch } from './names.ts';
import { type NewRoom, type RoomStore } from './room-store.ts';

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
    expect(await first.create(room)).toBe(true);
    return room;
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
      expect(await second.create(next)).toBe(true);
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
