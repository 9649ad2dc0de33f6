/** Frames of a peer that cannot be acted on yet, kept in order and in bounded memory. */

const MAX_FRAMES = 256;

export class HeldFrames {
  readonly #maxBytes: number;
  readonly #frames: { readonly bytes: Uint8Array; readonly isBinary: boolean }[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Keeps a copy; false when there is no room for it. */
  hold(bytes: Uint8Array, isBinary: boolean): boolean {
    if (this.#frames.length >= MAX_FRAMES || this.#bytes + bytes.length > this.#maxBytes) return false;
    this.#bytes += bytes.length;
    this.#frames.push({ bytes: bytes.slice(), isBinary });
    return true;
  }

  replay(onFrame: (bytes: Uint8Array, isBinary: boolean) => void): void {
    for (const { bytes, isBinary } of this.#frames) onFrame(bytes, isBinary);
  }
}
