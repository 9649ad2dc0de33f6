/** What other nodes tell this one, item by item, in order and once. */
import { type RoomCode } from '@wmbp/protocol';
import { type Item } from './envelope.ts';
import { type Hub } from './hub.ts';
import { type LinkEvents } from './links.ts';
import { type Epoch, type NodeId } from './names.ts';
import { type Relay } from './relay.ts';
import { type Rooms } from './rooms.ts';
import { type HostSession, type Room } from './session.ts';

export class Inbox implements LinkEvents {
  readonly #hub: Hub;
  readonly #relay: Relay;
  readonly #rooms: Rooms;

  constructor(hub: Hub, relay: Relay, rooms: Rooms) {
    this.#hub = hub;
    this.#relay = relay;
    this.#rooms = rooms;
  }

  hostedRoom(code: RoomCode, epoch: Epoch): Room | undefined {
    const room = this.#hub.room(code);
    return room?.epoch === epoch && room.host ? room : undefined;
  }

  onLost(room: Room, node: NodeId): void {
    this.#rooms.onLinkLost(room, node);
  }

  deliver(room: Room, node: NodeId, item: Item): void {
    if (room.host) this.#toHost(room.host, node, item);
    else this.#toPlayers(room, item);
  }

  #toHost(host: HostSession, node: NodeId, item: Item): void {
    switch (item.kind) {
      case 'joined':
        return this.#rooms.onJoined(host, item.player, node, undefined);
      case 'left':
        return this.#rooms.onLeft(host, item.player);
      case 'toHost':
        return this.#relay.toHostHere(host, item.player, item.bytes, item.isBinary);
      case 'closeRoom':
        return this.#rooms.end(host, item.why);
      case 'known':
      case 'toPlayer':
      case 'toPlayers':
      case 'closePlayer':
    }
  }

  #toPlayers(room: Room, item: Item): void {
    switch (item.kind) {
      case 'known':
        return this.#rooms.onKnown(room, item.player);
      case 'toPlayer':
        return room.players.get(item.player)?.socket.send(item.bytes, item.isBinary);
      case 'toPlayers':
        return this.#relay.toPlayersHere(room, item.to, item.bytes, item.isBinary);
      case 'closePlayer':
        return this.#rooms.closePlayerHere(room, item.player, item.why);
      case 'closeRoom':
        return this.#rooms.closeHere(room, item.why);
      case 'joined':
      case 'left':
      case 'toHost':
    }
  }
}
