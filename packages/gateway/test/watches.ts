/** What a peer sees of a game in which everybody talks in numbers: a hole, or a frame that comes twice, shows. */
import { expect } from '@jest/globals';
import { decodeHostEvent } from '@wmbp/protocol';
import { within, type ReceivedClose, type TestPeer } from '@wmbp/testkit';

/** Far above what anything takes here, even when several scenarios play at once. */
const PATIENCE_MS = 60_000;

const waiting = new Set<() => void>();

/** Resolves when it is so; looks again whenever anybody saw something. */
export async function until(what: string, isSo: () => boolean, deadlineMs = PATIENCE_MS): Promise<void> {
  let wake = (): void => undefined;
  const isTrue = new Promise<void>((resolve) => {
    wake = () => {
      if (isSo()) resolve();
    };
  });
  waiting.add(wake);
  wake();
  try {
    await within(what, isTrue, deadlineMs);
  } finally {
    waiting.delete(wake);
  }
}

function wakeAll(): void {
  for (const wake of waiting) wake();
}

/** Sees a peer's socket to its end; what it takes from it, nobody else can. */
abstract class Watch {
  readonly startedAtMs = performance.now();
  close: ReceivedClose | undefined;
  /** When the close came, counted from the start of the watch. */
  closedAfterMs: number | undefined;
  /** Numbers that came twice, or after one that is missing. */
  readonly holes: string[] = [];

  constructor(peer: TestPeer) {
    peer.socket.on('message', (bytes: Buffer, isBinary) => {
      this.onFrame(bytes, isBinary);
      wakeAll();
    });
    peer.socket.on('close', (code, reason) => {
      this.close = { code, reason: reason.toString() };
      this.closedAfterMs = performance.now() - this.startedAtMs;
      wakeAll();
    });
  }

  protected abstract onFrame(bytes: Buffer, isBinary: boolean): void;

  async until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    await until(what, isSo, deadlineMs).catch((error: unknown) => {
      throw new Error(`${String(error)}; the socket saw ${JSON.stringify(this)}`, { cause: error });
    });
  }

  async closed(deadlineMs?: number): Promise<ReceivedClose> {
    await this.until('the close', () => this.close !== undefined, deadlineMs);
    return this.close as ReceivedClose;
  }
}

/** What a player hears of a host that talks in numbers. */
export class PlayerWatch extends Watch {
  /** The number that comes next; `undefined` before the first one. */
  next: number | undefined;

  protected onFrame(bytes: Buffer): void {
    const number = Number(bytes.toString());
    if (this.next !== undefined && number !== this.next) this.holes.push(`${number} for ${this.next}`);
    this.next = number + 1;
  }

  /** Resolves when some more numbers have come. */
  async hearsMore(deadlineMs?: number): Promise<void> {
    const from = this.next ?? 0;
    await this.until('more of the host', () => (this.next ?? 0) > from + 5, deadlineMs);
  }
}

/** What a host hears of players who talk in numbers. */
export class HostWatch extends Watch {
  readonly joined: number[] = [];
  readonly left: number[] = [];
  /** When each `player_left` came, counted from the start of the watch. */
  readonly leftAfterMs: number[] = [];
  /** The players of the last `state`. */
  players: readonly number[] = [];
  isStopped = false;
  readonly next: Record<number, number> = {};

  /** Resolves when some more numbers of this player have come. */
  async hearsMore(player: number, deadlineMs?: number): Promise<void> {
    const from = this.next[player] ?? 0;
    await this.until(`more of player ${player}`, () => (this.next[player] ?? 0) > from + 5, deadlineMs);
  }

  protected onFrame(bytes: Buffer): void {
    const event = decodeHostEvent(bytes);
    switch (event.cmd) {
      case 'player_joined':
        this.joined.push(event.player);
        return;
      case 'player_left':
        this.left.push(event.player);
        this.leftAfterMs.push(performance.now() - this.startedAtMs);
        return;
      case 'state':
        this.players = event.players;
        return;
      case 'from_str':
        return this.#onNumber(event.from, Number(event.data));
      case 'stop':
        this.isStopped = true;
        return;
      case 'from':
      case 'prepare_reply':
      case 'error':
        this.holes.push(`unexpected ${JSON.stringify(event)}`);
    }
  }

  #onNumber(player: number, number: number): void {
    const next = this.next[player] ?? 0;
    if (number !== next) this.holes.push(`${number} of ${player} for ${next}`);
    this.next[player] = number + 1;
  }
}

/** No frame twice, none missing. */
export function expectWhole(...watches: readonly { readonly holes: readonly string[] }[]): void {
  for (const { holes } of watches) expect(holes).toEqual([]);
}
