/**
 * The raw relay: the least program that relays between a host on one node and its players on another, over uWebSockets.js
 * and pub/sub of ioredis as it comes. It is what the cluster is measured against: no limits, no checks, no logs, no
 * numbering, no acknowledgements, nothing stored in Redis, and of the protocol only what the load says.
 *
 * - All that a turn of the event loop has for one room and the other node leaves in one publish, as from the gateway.
 * - What a publish brings is written once per socket: corked at a host; players have a topic each, and uWebSockets.js writes
 *   what was published to topics when its loop turns. Of these two, each was the faster where it is used.
 * - Hosts connect to one node, which counts rooms; players to the other, which counts players. A room has a channel each way,
 *   which nobody leaves.
 */
import { Redis } from 'ioredis';
import type { WebSocket } from 'uWebSockets.js';
import { takingSockets } from './bare-sockets.ts';
import { decodeCommand, FromEncoder } from './bare-wire.ts';
import { encodeCbor } from './cbor.ts';
import { ItemWriter, KIND, readItems, type Item } from './raw-items.ts';
import { loadUws } from './uws.ts';

interface Peer {
  readonly path: string;
  room: HostRoom | PlayerRoom | undefined;
  /** Its player id, as its items name it; empty for a host. */
  sender: readonly number[];
}

/** A room's half on one node. */
interface Half {
  /** Where the other half hears. */
  readonly channel: string;
  readonly outgoing: ItemWriter;
}

interface HostRoom extends Half {
  readonly kind: 'host';
  readonly key: string;
  readonly host: WebSocket<Peer>;
  readonly players: Map<number, FromEncoder>;
}

interface PlayerRoom extends Half {
  readonly kind: 'players';
  /** For everybody. */
  readonly topic: string;
  /** By player. */
  readonly topics: Map<number, string>;
  readonly heard: Promise<unknown>;
}

const url = process.argv[2] ?? '';
/** The publishes of a turn leave in one write; ioredis by itself makes one for each. */
const isCorked = process.argv[3] === 'corked';
const publisher = new Redis(url);
const subscriber = new Redis(url);
const uws = loadUws();
/** Of either kind, by the channel that it hears. */
const rooms = new Map<string, HostRoom | PlayerRoom>();
let due: Half[] = [];
let lastRoom = 0;
let lastPlayer = 0;

const app = uws.App().ws<Peer>('/*', {
  ...takingSockets(uws, (path): Peer => ({ path, room: undefined, sender: [] })),
  open(ws) {
    const peer = ws.getUserData();
    if (peer.path === 'CREATE') create(ws, peer);
    else join(ws, peer);
  },
  message(ws, message, isBinary) {
    const { room, sender } = ws.getUserData();
    const bytes = new Uint8Array(message);
    if (room?.kind === 'host') obey(room, bytes);
    else if (room) send(room, isBinary ? KIND.binary : KIND.text, sender, bytes);
  },
  close(ws) {
    const { room, sender } = ws.getUserData();
    if (room?.kind !== 'players') return;
    room.topics.delete(sender[0] ?? 0);
    send(room, KIND.left, sender);
  },
});

subscriber.on('messageBuffer', (channel: Buffer, items: Buffer) => {
  const room = rooms.get(channel.toString('latin1'));
  if (room?.kind === 'host') room.host.cork(() => readItems(items, (item) => toHost(room, item)));
  else if (room) readItems(items, (item) => toPlayers(room, item));
});

await Promise.all([publisher.ping(), subscriber.ping()]);
app.listen('127.0.0.1', 0, (listener) => {
  if (!listener) throw new Error('no free port on 127.0.0.1');
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(listener) }));
});
process.once('SIGTERM', () => process.exit(0));

function create(host: WebSocket<Peer>, peer: Peer): void {
  const key = String(++lastRoom).padStart(4, '0');
  const channel = channelOf(key, 'players');
  peer.room = { kind: 'host', key, host, players: new Map(), channel, outgoing: new ItemWriter() };
  rooms.set(channelOf(key, 'host'), peer.room);
}

function join(ws: WebSocket<Peer>, peer: Peer): void {
  const player = ++lastPlayer;
  const room = playerRoom(peer.path);
  const topic = `player ${player}`;
  ws.subscribe(room.topic);
  ws.subscribe(topic);
  // The host may answer as soon as it knows.
  void room.heard.then(() => {
    peer.room = room;
    peer.sender = [player];
    room.topics.set(player, topic);
    send(room, KIND.joined, peer.sender);
  });
}

function playerRoom(key: string): PlayerRoom {
  const hears = channelOf(key, 'players');
  const known = rooms.get(hears);
  if (known?.kind === 'players') return known;
  const half = { channel: channelOf(key, 'host'), outgoing: new ItemWriter() };
  const heard = subscriber.subscribe(hears);
  const room: PlayerRoom = { kind: 'players', topic: `players ${key}`, topics: new Map(), heard, ...half };
  rooms.set(hears, room);
  return room;
}

function obey(room: HostRoom, bytes: Uint8Array): void {
  const { cmd, to, data } = decodeCommand(bytes);
  switch (cmd) {
    case 'to':
      return send(room, KIND.binary, to, data);
    case 'to_str':
      return send(room, KIND.text, to, data);
    case 'prepare':
      void subscriber.subscribe(channelOf(room.key, 'host')).then(() => {
        room.host.send(encodeCbor({ cmd: 'prepare_reply', key: room.key }), true);
      });
  }
}

/** To the other half, at the end of this turn. */
function send(half: Half, kind: number, players: readonly number[], payload?: Uint8Array): void {
  if (half.outgoing.isEmpty) {
    // uWebSockets.js and ioredis call us in the poll phase; the check phase follows it.
    if (due.length === 0) setImmediate(publishDue);
    due.push(half);
  }
  half.outgoing.append(kind, players, payload);
}

function publishDue(): void {
  if (isCorked) publisher.stream.cork();
  // ioredis copies what it publishes into its command.
  for (const { channel, outgoing } of due) void publisher.publish(channel, outgoing.take());
  if (isCorked) publisher.stream.uncork();
  due = [];
}

function toHost(room: HostRoom, { kind, players, payload }: Item): void {
  const [player = 0] = players;
  switch (kind) {
    case KIND.joined:
      room.players.set(player, new FromEncoder(player));
      room.host.send(encodeCbor({ cmd: 'player_joined', player }), true);
      return;
    case KIND.left:
      room.players.delete(player);
      room.host.send(encodeCbor({ cmd: 'player_left', player }), true);
      return;
  }
  const from = room.players.get(player);
  if (from) room.host.send(kind === KIND.binary ? from.binary(payload) : from.text(payload), true);
}

function toPlayers(room: PlayerRoom, { kind, players, payload }: Item): void {
  const isBinary = kind === KIND.binary;
  if (players.length === 0) app.publish(room.topic, payload, isBinary);
  for (const player of players) {
    const topic = room.topics.get(player);
    if (topic !== undefined) app.publish(topic, payload, isBinary);
  }
}

function channelOf(key: string, half: 'host' | 'players'): string {
  // About as long as the gateway's.
  return `raw:{1234}:${key}:${half}`;
}
