/** What raw relays say to each other: items, as many in one publish as a turn of the event loop has for a room. */

export const KIND = { text: 0, binary: 1, joined: 2, left: 3 } as const;

/** A player's frame names its sender, a host's its addressees. The same object is used for every item. */
export interface Item {
  kind: number;
  /** Empty: everybody. */
  readonly players: number[];
  /** A view of what was published. */
  payload: Uint8Array;
}

const FIRST_BYTES = 4096;
const NOTHING = new Uint8Array(0);

/**
 * Collects items for one channel, copying each payload once.
 *
 *     offset size field
 *          0    1 kind
 *          1    1 number of players
 *          2    4 length of the payload
 *          6    … ids of the players, 4 bytes each
 *          …    … payload
 *
 * All integers are big-endian.
 */
export class ItemWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;

  get isEmpty(): boolean {
    return this.#end === 0;
  }

  append(kind: number, players: readonly number[], payload: Uint8Array = NOTHING): void {
    this.#reserve(6 + 4 * players.length + payload.length);
    const bytes = this.#bytes;
    bytes[this.#end] = kind;
    bytes[this.#end + 1] = players.length;
    writeU32(bytes, this.#end + 2, payload.length);
    this.#end += 6;
    for (const player of players) {
      writeU32(bytes, this.#end, player);
      this.#end += 4;
    }
    bytes.set(payload, this.#end);
    this.#end += payload.length;
  }

  /** All items since the last call; valid until the next `append`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#end + bytes));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** Mirror of `ItemWriter`. */
export function readItems(bytes: Buffer, onItem: (item: Item) => void): void {
  const item: Item = { kind: 0, players: [], payload: NOTHING };
  for (let at = 0; at < bytes.length;) {
    item.kind = bytes[at] ?? 0;
    item.players.length = bytes[at + 1] ?? 0;
    const length = readU32(bytes, at + 2);
    at += 6;
    for (let i = 0; i < item.players.length; i++, at += 4) item.players[i] = readU32(bytes, at);
    item.payload = bytes.subarray(at, at + length);
    at += length;
    onItem(item);
  }
}

function writeU32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function readU32(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
