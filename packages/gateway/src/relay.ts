/**
 * Moves frames to their addressees, synchronously: nothing here awaits or asks the store. A frame whose
 * addressees are on this node stays on it.
 */
import {
  CLOSE,
  encodeFrom,
  encodeFromStr,
  encodeHostEvent,
  maxFromBytes,
  maxFromStrBytes,
  type Addressees,
  type HostEvent,
  type PlayerId,
} from '@wmbp/protocol';
import { type Link } from './link.ts';
import { type HostSession, type Member, type PlayerSession, type Room } from './session.ts';
import { type TurnBuffer } from './turn-buffer.ts';

export class Relay {
  readonly #buffer: TurnBuffer;
  #listing = 0;

  constructor(buffer: TurnBuffer) {
    this.#buffer = buffer;
  }

  /** A frame of a player here, to its host wherever it is. */
  toHost(session: PlayerSession, bytes: Uint8Array, isBinary: boolean): void {
    const { room, player } = session;
    if (room.host) return this.toHostHere(room.host, player, bytes, isBinary);
    const isTaken = room.links.get(room.hostNode)?.append({ kind: 'toHost', player, bytes, isBinary });
    // Without this frame the host would have a hole.
    if (!isTaken) session.socket.close(CLOSE.linkLost);
  }

  /** A frame of any player, to a host here. */
  toHostHere(host: HostSession, player: PlayerId, bytes: Uint8Array, isBinary: boolean): void {
    const member = host.members.get(player);
    // Of one that is sent away, frames may still be under way from its node.
    if (!member || member.isClosing) return;
    tally(host, member, bytes.length);
    const buffer = this.#buffer;
    const slab = buffer.reserve(isBinary ? maxFromBytes(bytes.length) : maxFromStrBytes(bytes.length));
    const end = isBinary
      ? encodeFrom(slab, buffer.start, player, bytes)
      : encodeFromStr(slab, buffer.start, player, bytes);
    host.socket.send(buffer.take(end), true);
  }

  /** A frame of a host here, to players wherever they are. */
  toPlayers(host: HostSession, to: Addressees, bytes: Uint8Array, isBinary: boolean): void {
    if (to !== 'all') {
      const [only] = to;
      if (only !== undefined && to.length === 1) return this.#toOne(host, only, bytes, isBinary);
      return this.#toListed(host, to, bytes, isBinary);
    }
    const { room } = host;
    if (room.players.size > 0) this.toPlayersHere(room, 'all', this.#buffer.copy(bytes), isBinary);
    for (const [node, link] of room.links) {
      if (link.append({ kind: 'toPlayers', to, bytes, isBinary })) continue;
      for (const member of host.members.values()) if (member.node === node) closeAway(link, member);
    }
  }

  /** A frame of any host, to those of the players that are here. @param frame stays as it is until the turn ends */
  toPlayersHere(room: Room, to: Addressees, frame: Uint8Array, isBinary: boolean): void {
    if (to === 'all') {
      for (const { socket, isKnown } of room.players.values()) if (isKnown) socket.send(frame, isBinary);
    } else {
      for (const player of to) room.players.get(player)?.socket.send(frame, isBinary);
    }
  }

  toHostEvent(host: HostSession, event: HostEvent): void {
    host.socket.send(encodeHostEvent(event), true);
  }

  /** Tells the host how its room stands. */
  state(host: HostSession): void {
    const { name, maxPlayers, members, isLocked } = host;
    this.toHostEvent(host, {
      cmd: 'state',
      name,
      players: [...members.keys()],
      max_players: maxPlayers,
      accept_conns: !isLocked && members.size < maxPlayers,
    });
  }

  /** What most frames of a host are; the list of several takes half as long again (2026-11, bench `unicast`). */
  #toOne(host: HostSession, player: PlayerId, bytes: Uint8Array, isBinary: boolean): void {
    const member = host.members.get(player);
    if (!member) return;
    if (member.session) return member.session.socket.send(this.#buffer.copy(bytes), isBinary);
    const link = host.room.links.get(member.node);
    if (link && !link.append({ kind: 'toPlayer', player, bytes, isBinary })) closeAway(link, member);
  }

  #toListed(host: HostSession, to: readonly PlayerId[], bytes: Uint8Array, isBinary: boolean): void {
    this.#listing += 1;
    let frame: Uint8Array | undefined;
    let away: Map<Link, Member[]> | undefined;
    for (const player of to) {
      const member = host.members.get(player);
      if (!member || member.lastListing === this.#listing) continue;
      member.lastListing = this.#listing;
      if (member.session) {
        frame ??= this.#buffer.copy(bytes);
        member.session.socket.send(frame, isBinary);
        continue;
      }
      const link = host.room.links.get(member.node);
      if (link) away = addTo(away, link, member);
    }
    for (const [link, members] of away ?? []) {
      const ids = members.map(({ player }) => player);
      if (link.append({ kind: 'toPlayers', to: ids, bytes, isBinary })) continue;
      for (const member of members) closeAway(link, member);
    }
  }
}

/** Remembers who fills a host's backlog (see `mayBlameOther`). */
function tally(host: HostSession, member: Member, bytes: number): void {
  if (member.backlogPeriod !== host.backlogPeriod) {
    member.backlogPeriod = host.backlogPeriod;
    member.periodBytes = 0;
  }
  member.periodBytes += bytes;
  host.periodBytes += bytes;
}

/** The way to this player cannot take a frame of its: without it the player would have a hole. */
function closeAway(link: Link, member: Member): void {
  if (member.isClosing) return;
  member.isClosing = true;
  link.append({ kind: 'closePlayer', player: member.player, why: 'linkLost' });
}

function addTo(away: Map<Link, Member[]> | undefined, link: Link, member: Member): Map<Link, Member[]> {
  const lists = away ?? new Map<Link, Member[]>();
  const list = lists.get(link);
  if (list) list.push(member);
  else lists.set(link, [member]);
  return lists;
}
