/** What other nodes tell this one: envelopes in, in the order of their stream, each item once. */
import { type RoomCode } from '@wmbp/protocol';
import {
  Assembly,
  decodeHeader,
  decodeItems,
  decodeRawItems,
  type EnvelopeHeader,
  type Item,
} from './envelope.ts';
import { type Hub } from './hub.ts';
import { type Metrics } from './metrics.ts';
import { type NodeId } from './names.ts';
import { type Relay } from './relay.ts';
import { type Rooms } from './rooms.ts';
import { type HeardStream, type Room } from './session.ts';

/** So long what is under way between two nodes may take. */
const CROSSING_MS = 5000;

export class Inbox {
  readonly #hub: Hub;
  readonly #relay: Relay;
  readonly #rooms: Rooms;
  readonly #counts: Metrics['links'];

  constructor(hub: Hub, relay: Relay, rooms: Rooms, metrics: Metrics) {
    this.#hub = hub;
    this.#relay = relay;
    this.#rooms = rooms;
    this.#counts = metrics.links;
  }

  /**
   * Envelopes of another version mean nothing. Of those for a room that is over, or not here, only a join does: its
   * player has missed the end.
   */
  receive(code: RoomCode, envelope: Uint8Array): void {
    this.#counts.envelopesIn += 1;
    this.#counts.bytesIn += envelope.length;
    const header = decodeHeader(envelope);
    if (!header) return;
    const room = this.#hub.room(code);
    if (room?.epoch !== header.epoch) {
      if (has(envelope, 'joined')) this.#rooms.tellThatOver(code, header.epoch, header.source, 'hostGone');
      return;
    }
    const heard = this.#heardStream(room, header, envelope);
    if (!heard) return;
    if (heard.isCut || header.firstItem > heard.nextItem) {
      this.#rooms.onLinkLost(room, header.source);
      return;
    }
    let number = header.firstItem;
    for (const raw of decodeRawItems(envelope)) {
      if (number === heard.nextItem) {
        heard.nextItem += 1;
        const item = heard.assembly.add(raw);
        if (item) this.#deliver(room, header.source, item);
      }
      number += 1;
    }
  }

  #deliver(room: Room, source: NodeId, item: Item): void {
    switch (item.kind) {
      case 'joined':
        if (room.host) this.#rooms.onJoined(room.host, item.player, source, undefined);
        return;
      case 'left':
        if (room.host) this.#rooms.onLeft(room.host, item.player);
        return;
      case 'toHost':
        if (room.host) this.#relay.toHostHere(room.host, item.player, item.bytes, item.isBinary);
        return;
      case 'toPlayers':
        this.#relay.toPlayersHere(room, item.to, item.bytes, item.isBinary);
        return;
      case 'closePlayer':
        this.#rooms.closePlayerHere(room, item.player, item.why);
        return;
      case 'closeRoom':
        if (item.why === 'linkLost') this.#rooms.cutOff(room, source);
        else if (!room.host) this.#rooms.closeHere(room, item.why);
        else if (item.why === 'roomLost') this.#rooms.end(room.host, item.why);
    }
  }

  /**
   * The stream that an envelope continues. A new one replaces the old with its first item; `undefined` for what
   * comes late from a stream that was replaced.
   */
  #heardStream(room: Room, header: EnvelopeHeader, envelope: Uint8Array): HeardStream | undefined {
    const { source, stream, firstItem } = header;
    const heard = room.heard.get(source);
    if (heard?.stream === stream) return heard;
    if (firstItem !== 1) {
      if (!heard) this.#onUnknownStream(room, source, envelope);
      return undefined;
    }
    // Players begin a new stream to their host only when all who were in the last one are gone.
    if (room.host && heard) this.#rooms.cutOff(room, source);
    const fresh = { stream, nextItem: 1, assembly: new Assembly(), isCut: false };
    room.heard.set(source, fresh);
    return fresh;
  }

  /** The first items of a stream are missing. */
  #onUnknownStream(room: Room, source: NodeId, envelope: Uint8Array): void {
    // A node that was taken for dead, or whose first items got lost, speaks for players that this host does not
    // have: they must not wait in vain.
    if (room.host) return this.#rooms.tellThatOver(room.code, room.epoch, source, 'linkLost');
    // A host may speak for a while to players that left, while the next ones come to the room.
    const isYoung = performance.now() - room.sinceMs < CROSSING_MS;
    if (!isYoung || has(envelope, 'closeRoom')) this.#rooms.onLinkLost(room, source);
  }
}

function has(envelope: Uint8Array, kind: Item['kind']): boolean {
  for (const item of decodeItems(envelope)) if (item?.kind === kind) return true;
  return false;
}
