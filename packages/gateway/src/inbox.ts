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
      if (hasJoin(envelope)) this.#rooms.tellThatOver(code, header.epoch, header.source);
      return;
    }
    const heard = heardStream(room, header);
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
    }
  }
}

/**
 * The stream that an envelope continues. A new one replaces the old with its first item; `undefined` for what
 * comes late from a stream that was replaced.
 */
function heardStream(room: Room, header: EnvelopeHeader): HeardStream | undefined {
  const heard = room.heard.get(header.source);
  if (heard?.stream === header.stream) return heard;
  if (header.firstItem !== 1) return undefined;
  const fresh = { stream: header.stream, nextItem: 1, assembly: new Assembly(), isCut: false };
  room.heard.set(header.source, fresh);
  return fresh;
}

function hasJoin(envelope: Uint8Array): boolean {
  for (const item of decodeItems(envelope)) if (item?.kind === 'joined') return true;
  return false;
}
