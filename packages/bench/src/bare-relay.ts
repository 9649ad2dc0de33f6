/**
 * The bare relay: the least uWebSockets.js program that relays between a host and its players.
 * It checks nothing, bounds nothing, logs nothing, and sends at once. It is the opponent of every measurement: written as
 * somebody who knows uWebSockets.js writes it, and no faster or slower on purpose.
 */
import type { WebSocket } from 'uWebSockets.js';
import { takingSockets } from './bare-sockets.ts';
import { decodeCommand, FromEncoder } from './bare-wire.ts';
import { encodeCbor } from './cbor.ts';
import { loadUws } from './uws.ts';

interface Peer {
  readonly path: string;
  room: Room | undefined;
  /** 0 is the host. */
  player: number;
  from: FromEncoder | undefined;
}

interface Room {
  readonly key: string;
  readonly host: WebSocket<Peer>;
  readonly players: Map<number, WebSocket<Peer>>;
  name: string;
  maxPlayers: number;
  open: boolean;
}

/** Sends a frame for everybody to each player in turn; otherwise every room is a topic. */
const sendsInLoop = process.argv[2] === 'loop';
/** Gives every peer a topic of its own: uWebSockets.js writes what was published once, when its loop turns. */
const publishesAll = process.argv[2] === 'topics';
const uws = loadUws();
const rooms = new Map<string, Room>();
let lastRoom = 0;
let lastPlayer = 0;

const app = uws.App().ws<Peer>('/*', {
  ...takingSockets(uws, (path): Peer => ({ path, room: undefined, player: 0, from: undefined })),
  open(ws) {
    const peer = ws.getUserData();
    if (peer.path === 'CREATE') create(ws, peer);
    else join(ws, peer, rooms.get(peer.path));
  },
  message(ws, message, isBinary) {
    const { room, from } = ws.getUserData();
    if (!room) return;
    const bytes = new Uint8Array(message);
    if (!from) obey(room, bytes);
    else toHost(room, isBinary ? from.binary(bytes) : from.text(bytes));
  },
  close(ws) {
    const { room, player } = ws.getUserData();
    if (!room) return;
    if (player === 0) closeRoom(room);
    else leave(room, player);
  },
});

app.listen('127.0.0.1', 0, (listener) => {
  if (!listener) throw new Error('no free port on 127.0.0.1');
  console.log(JSON.stringify({ msg: 'listening', port: uws.us_socket_local_port(listener) }));
});
process.once('SIGTERM', () => app.close());

function create(host: WebSocket<Peer>, peer: Peer): void {
  const key = nextKey();
  const room: Room = { key, host, players: new Map(), name: '', maxPlayers: 0, open: false };
  peer.room = room;
  rooms.set(key, room);
  if (publishesAll) host.subscribe(`host ${key}`);
  sendState(room);
}

function join(ws: WebSocket<Peer>, peer: Peer, room: Room | undefined): void {
  if (!room?.open || room.players.size === room.maxPlayers) {
    ws.end(4000);
    return;
  }
  peer.room = room;
  peer.player = ++lastPlayer;
  peer.from = new FromEncoder(peer.player);
  room.players.set(peer.player, ws);
  ws.subscribe(room.key);
  if (publishesAll) ws.subscribe(`player ${peer.player}`);
  room.host.send(encodeCbor({ cmd: 'player_joined', player: peer.player }), true);
  sendState(room);
}

function leave(room: Room, player: number): void {
  room.players.delete(player);
  room.host.send(encodeCbor({ cmd: 'player_left', player }), true);
  sendState(room);
}

function obey(room: Room, bytes: Uint8Array): void {
  const command = decodeCommand(bytes);
  switch (command.cmd) {
    case 'to':
      return toPlayers(room, command.to, command.data, true);
    case 'to_str':
      return toPlayers(room, command.to, command.data, false);
    case 'prepare':
      room.name = command.name;
      room.maxPlayers = command.maxPlayers;
      room.open = true;
      sendState(room);
      room.host.send(encodeCbor({ cmd: 'prepare_reply', key: room.key }), true);
      return;
    case 'start':
      room.open = false;
      return sendState(room);
    case 'kick':
      room.players.get(command.player)?.end(4000);
      return;
    case 'stop':
      room.host.end(1001, 'The game is done.');
  }
}

function toHost(room: Room, bytes: Uint8Array): void {
  if (publishesAll) app.publish(`host ${room.key}`, bytes, true);
  else room.host.send(bytes, true);
}

function toPlayers(room: Room, to: readonly number[], data: Uint8Array, isBinary: boolean): void {
  if (to.length > 0 && publishesAll) {
    for (const player of to) app.publish(`player ${player}`, data, isBinary);
  } else if (to.length > 0) {
    for (const player of to) room.players.get(player)?.send(data, isBinary);
  } else if (sendsInLoop) {
    for (const player of room.players.values()) player.send(data, isBinary);
  } else {
    app.publish(room.key, data, isBinary);
  }
}

function closeRoom(room: Room): void {
  rooms.delete(room.key);
  for (const player of room.players.values()) {
    player.getUserData().room = undefined;
    player.end(1001);
  }
}

function sendState({ host, players, name, maxPlayers, open }: Room): void {
  const accepts = open && players.size < maxPlayers;
  const state = { name, players: [...players.keys()], max_players: maxPlayers, accept_conns: accepts };
  host.send(encodeCbor({ cmd: 'state', ...state }), true);
}

/** AAAA, AAAB, … */
function nextKey(): string {
  let rest = lastRoom++;
  let key = '';
  for (let i = 0; i < 4; i++) {
    key = String.fromCharCode(65 + (rest % 26)) + key;
    rest = Math.trunc(rest / 26);
  }
  return key;
}
