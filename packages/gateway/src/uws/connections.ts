/**
 * TCP connections of the public listener, from accepting one to its request: how many have asked nothing yet, and how
 * many ended without a request that could be read.
 *
 * The library says when it accepts a connection, and when one ends that was not upgraded; not whose that was.
 */
import { type Uws } from './load.ts';
import { type PeerAddresses } from './peer-address.ts';

export class Connections {
  readonly #addresses: PeerAddresses;
  readonly #onUnread: () => void;
  #opened = 0;
  #upgraded = 0;
  #asked = 0;
  #ended = 0;
  #unread = 0;

  /** @param onUnread called once for each connection that ended without a request */
  constructor(addresses: PeerAddresses, onUnread: () => void) {
    this.#addresses = addresses;
    this.#onUnread = onUnread;
  }

  /** Connections that are no WebSocket, or not yet. */
  get waiting(): number {
    return this.#opened - this.#upgraded - this.#ended;
  }

  watch(app: Uws.TemplatedApp): void {
    app.filter((_res, count) => {
      if (Number(count) > 0) this.#opened += 1;
      else this.#onEnd();
    });
  }

  /** A connection becomes a WebSocket. Answers whose it is, as `Socket.address`. */
  onUpgrade(res: Uws.HttpResponse): string {
    this.#upgraded += 1;
    return this.#addresses.of(res);
  }

  /** Any other request, one a connection. Answers whose it is, as `Socket.address`. */
  onRequest(res: Uws.HttpResponse): string {
    this.#asked += 1;
    return this.#addresses.of(res);
  }

  /** Whoever has asked and is still there hides one that has not, until it ends as well. */
  #onEnd(): void {
    this.#ended += 1;
    while (this.#ended - this.#asked > this.#unread) {
      this.#unread += 1;
      this.#onUnread();
    }
  }
}
