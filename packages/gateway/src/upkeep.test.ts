/** What a node and the store disagree about comes right; what the dead held is given back. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { CLOSE, type RoomCode } from '@wmbp/protocol';
import { CoreNode, heardBy } from '../test/core-node.ts';
import { settled } from '../test/fakes.ts';
import { GatedStore } from '../test/gated-store.ts';
import { channelOf } from './channels.ts';
import { decodeHeader } from './envelope-header.ts';
import { LEASE_MS, type Leases, type Renewal } from './leases.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { drawEpoch, type Epoch, type NodeId } from './names.ts';
import { type JoinResult, type NewRoom, type RoomAssertion } from './room-store.ts';
import { Unavailable } from './unavailable.ts';
import { TICK_MS } from './upkeep.ts';

const MINUTE_MS = 60_000;
const ELSEWHERE = 99 as NodeId;

/** Loses answers, or is out of reach, while told to. */
class TroubledStore extends GatedStore {
  readonly created: RoomCode[] = [];
  readonly kept: RoomCode[] = [];
  losesAnswers = false;
  isAway = false;

  override async create(room: NewRoom): Promise<number | undefined> {
    this.created.push(room.code);
    return this.#answer(await super.create(room));
  }

  override async join(code: RoomCode, node: NodeId): Promise<JoinResult> {
    return this.#answer(await super.join(code, node));
  }

  override leave(...seat: Parameters<GatedStore['leave']>): Promise<boolean> {
    return this.isAway ? Promise.reject(new Unavailable('away')) : super.leave(...seat);
  }

  override lock(...room: Parameters<GatedStore['lock']>): Promise<boolean> {
    return this.isAway ? Promise.reject(new Unavailable('away')) : super.lock(...room);
  }

  override close(...room: Parameters<GatedStore['close']>): Promise<boolean> {
    return this.isAway ? Promise.reject(new Unavailable('away')) : super.close(...room);
  }

  override keep(code: RoomCode): Promise<void> {
    this.kept.push(code);
    return super.keep(code);
  }

  #answer<T>(answer: T): T {
    if (this.losesAnswers) throw new Unavailable('the answer is lost');
    return answer;
  }
}

class FakeLeases implements Leases {
  readonly dead = new Set<NodeId>();
  renewal: Renewal = { wasHeld: true, generation: 'first' };

  renew(): Promise<Renewal> {
    return Promise.resolve(this.renewal);
  }

  areHeld(nodes: readonly NodeId[]): Promise<readonly boolean[]> {
    return Promise.resolve(nodes.map((node) => !this.dead.has(node)));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }
}

let store: TroubledStore;
let backplane: MemoryBackplane;
let leases: FakeLeases;
let hosts: CoreNode;
let players: CoreNode;
let nowMs: number;
beforeEach(async () => {
  store = new TroubledStore();
  leases = new FakeLeases();
  backplane = new MemoryBackplane();
  hosts = new CoreNode(1, store, backplane, undefined, leases);
  players = new CoreNode(2, store, new MemoryBackplane(backplane), undefined, leases);
  nowMs = 0;
  await round(0);
});
afterEach(() => {
  hosts.close();
  players.close();
});

/** One round of both nodes, so much later. */
async function round(laterMs = TICK_MS): Promise<void> {
  nowMs += laterMs;
  await Promise.all([hosts.upkeep.tick(nowMs), players.upkeep.tick(nowMs)]);
  await settled();
}

async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await round();
}

test('rooms whose host is here are kept alive every three minutes', async () => {
  const { code } = await hosts.host(4);
  await players.player(code);
  await settled();
  await round(MINUTE_MS);
  expect(store.kept).toEqual([]);
  await round(2 * MINUTE_MS);
  expect(store.kept).toEqual([code]);
  await round(MINUTE_MS);
  expect(store.kept).toEqual([code]);
  await round(2 * MINUTE_MS);
  expect(store.kept).toEqual([code, code]);
});

test.each([
  ['at once', TICK_MS],
  ['after longer than leases last', 2 * LEASE_MS],
])(
  'a store that has lost everything is told of rooms and seats again %s; nobody is closed',
  async (_, awayMs) => {
    const { host, socket, code } = await hosts.host(3);
    const player = await players.player(code);
    await settled();
    await store.close(code, host.room.epoch);
    leases.renewal = { wasHeld: false, generation: 'second' };
    await round(awayMs);
    leases.renewal = { wasHeld: true, generation: 'second' };
    expect(await store.find(code)).toMatchObject({ epoch: host.room.epoch, hostNode: hosts.id });
    expect((await store.seatedNodes(code))?.nodes).toEqual([players.id]);
    await rounds(6);
    expect([socket.isOpen, player.socket.isOpen]).toEqual([true, true]);
    expect([hosts.metrics.restoredRooms, players.metrics.restoredRooms]).toEqual([1, 0]);
    expect(hosts.metrics.assertions).toBeGreaterThan(0);
    expect(players.metrics.assertions).toBeGreaterThan(0);
    expect(hosts.log.warnings).toEqual(['asserting rooms after an outage']);
  },
);

test('a restored room gives no id twice, not even one that its host never heard of', async () => {
  const { host, code } = await hosts.host(9);
  const unheard = [await store.join(code, ELSEWHERE), await store.join(code, ELSEWHERE)];
  expect(unheard).toMatchObject([{ player: 1 }, { player: 2 }]);
  await store.close(code, host.room.epoch);
  leases.renewal = { wasHeld: false, generation: 'second' };
  await round();
  const next = await store.join(code, players.id);
  expect(next.ok && next.player).toBeGreaterThan(2);
});

test('what was taken from a node whose lease ran out is not restored: its peers are closed, and may come back', async () => {
  const { host, socket, code } = await hosts.host(3);
  const seatless = await hosts.host(3);
  const player = await players.player(seatless.code);
  await settled();
  await store.close(code, host.room.epoch);
  await store.reap(seatless.code, seatless.host.room.epoch, players.id);
  leases.renewal = { wasHeld: false, generation: 'first' };
  nowMs += LEASE_MS;
  await players.upkeep.tick(nowMs);
  expect(player.socket.closedWith).toBe(CLOSE.seatLost);
  await hosts.upkeep.tick(nowMs);
  expect(socket.closedWith).toBe(CLOSE.roomLost);
  expect(heardBy(socket).at(-1)).toBe('stop');
  expect(await store.find(code)).toBeUndefined();
});

test('a younger room under the same code makes way for an older one, with its players', async () => {
  const { host, socket, code } = await hosts.host(3);
  const player = await players.player(code);
  await settled();
  await store.close(code, host.room.epoch);
  await store.assertRoom(roomElsewhere(code, host.openedAtMs - 1), true);
  leases.renewal = { wasHeld: false, generation: 'second' };
  await round();
  expect(socket.closedWith).toBe(CLOSE.roomLost);
  expect(player.socket.closedWith).toBe(CLOSE.roomLost);
  expect(await store.find(code)).toMatchObject({ hostNode: ELSEWHERE });
});

test('an older room takes its code back from a younger one, whose node is told', async () => {
  const { host, socket, code } = await hosts.host(3);
  await store.close(code, host.room.epoch);
  const younger = roomElsewhere(code, host.openedAtMs + 1);
  await store.assertRoom(younger, true);
  const told: (Epoch | undefined)[] = [];
  const channel = channelOf(code, ELSEWHERE);
  await new MemoryBackplane(backplane).subscribe(
    channel,
    (bytes) => void told.push(decodeHeader(bytes)?.epoch),
  );
  leases.renewal = { wasHeld: false, generation: 'second' };
  await round();
  expect(await store.find(code)).toMatchObject({ epoch: host.room.epoch, hostNode: hosts.id });
  expect(socket.isOpen).toBe(true);
  expect(told).toEqual([younger.epoch]);
});

test('a node that is missed twice is gone: its players have left, once, and their seats are free', async () => {
  const { socket, code } = await hosts.host(2);
  await players.player(code);
  await players.player(code);
  await settled();
  await round();
  expect([hosts.metrics.peerNodes, players.metrics.peerNodes]).toEqual([1, 1]);
  leases.dead.add(players.id);
  nowMs += TICK_MS;
  await hosts.upkeep.tick(nowMs);
  expect(heardBy(socket).at(-1)).toBe('state 1,2');
  await hosts.upkeep.tick(nowMs + TICK_MS);
  expect(heardBy(socket).slice(-4)).toEqual(['left 1', 'state 2', 'left 2', 'state ']);
  expect(hosts.metrics.reapedPlayers).toBe(2);
  expect(hosts.log.warnings).toEqual(['a node is gone']);
  expect((await store.seatedNodes(code))?.nodes).toEqual([]);
  await hosts.upkeep.tick(nowMs + 2 * TICK_MS);
  expect(heardBy(socket).filter((event) => event.startsWith('left'))).toHaveLength(2);
});

test('a node that is missed once and comes back has lost nothing', async () => {
  const { socket, code } = await hosts.host(2);
  await players.player(code);
  await settled();
  for (let i = 0; i < 3; i += 1) {
    leases.dead.add(players.id);
    await round();
    leases.dead.delete(players.id);
    await round();
  }
  expect(heardBy(socket)).toEqual(['joined 1', 'state 1']);
});

test('the rooms of a host whose node is gone are over: players are closed with 1001, the code is free', async () => {
  const { code } = await hosts.host(2);
  const player = await players.player(code);
  await settled();
  leases.dead.add(hosts.id);
  for (let i = 1; i <= 2; i += 1) await players.upkeep.tick(nowMs + i * TICK_MS);
  expect(player.socket.closedWith).toBe(CLOSE.hostGone);
  expect(await store.find(code)).toBeUndefined();
});

test('a join whose answer never came keeps no seat', async () => {
  const { code } = await hosts.host(1);
  store.losesAnswers = true;
  await expect(players.player(code)).rejects.toThrow(Unavailable);
  expect((await store.seatedNodes(code))?.nodes).toEqual([players.id]);
  store.losesAnswers = false;
  await round();
  expect((await store.seatedNodes(code))?.nodes).toEqual([]);
});

test('a create whose answer never came leaves no room', async () => {
  store.losesAnswers = true;
  await expect(hosts.host(1)).rejects.toThrow(Unavailable);
  const [code] = store.created;
  expect(code && (await store.find(code))).toBeDefined();
  store.losesAnswers = false;
  await round();
  expect(code && (await store.find(code))).toBeUndefined();
});

test('what happened while the store was away is in effect when it is back: who left, who locked, who closed', async () => {
  const left = await hosts.host(1);
  const leaver = await hosts.player(left.code);
  const leftAway = await hosts.host(1);
  const awayLeaver = await players.player(leftAway.code);
  const locked = await hosts.host(1);
  const closed = await hosts.host(1);
  await settled();
  store.isAway = true;
  hosts.rooms.leave(leaver.session);
  players.rooms.leave(awayLeaver.session);
  await hosts.rooms.lock(locked.host);
  hosts.rooms.close(closed.host, 'roomOver');
  await settled();
  store.isAway = false;
  await round();
  expect(await store.join(left.code, ELSEWHERE)).toMatchObject({ ok: true });
  expect(await store.join(leftAway.code, ELSEWHERE)).toMatchObject({ ok: true });
  expect(await store.join(locked.code, ELSEWHERE)).toEqual({ ok: false, why: 'roomStarted' });
  expect(await store.find(closed.code)).toBeUndefined();
});

function roomElsewhere(code: RoomCode, openedAtMs: number): RoomAssertion {
  return {
    code,
    epoch: drawEpoch(),
    name: 'elsewhere',
    maxPlayers: 4,
    hostNode: ELSEWHERE,
    openedAtMs,
    isLocked: false,
    nextPlayer: 1,
    members: [],
  };
}
