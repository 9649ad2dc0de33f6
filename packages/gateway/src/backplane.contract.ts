/** What a `Backplane` is, as tests: every implementation passes them, seen from two nodes. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ROOM_CODES, roomCodeOf } from '@wmbp/protocol';
import { within } from '@wmbp/testkit';
import { randomInt } from 'node:crypto';
import { type Backplane } from './backplane.ts';
import { channelOf } from './channels.ts';
import { drawNodeId } from './names.ts';

/** Two nodes' ways to one backplane. */
export interface TwoBackplanes {
  readonly first: Backplane;
  readonly second: Backplane;
  close(): Promise<void>;
}

export function backplaneContract(open: () => Promise<TwoBackplanes>): void {
  let backplanes: TwoBackplanes;
  let first: Backplane;
  let second: Backplane;
  let channel: string;
  beforeEach(async () => {
    backplanes = await open();
    ({ first, second } = backplanes);
    channel = newChannel();
  });
  afterEach(() => backplanes.close());

  test('an envelope is heard by the other node, byte for byte, and the publisher is told that it was', async () => {
    const ear = new Ear();
    await second.subscribe(channel, ear.hear);
    const envelope = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(await publish(first, channel, envelope)).toBe(1);
    expect([...(await ear.next())]).toEqual([...envelope]);
  });

  test('a node hears what it publishes itself', async () => {
    const ear = new Ear();
    await first.subscribe(channel, ear.hear);
    expect(await publish(first, channel, Uint8Array.of(1))).toBe(1);
    expect([...(await ear.next())]).toEqual([1]);
  });

  test('every node that subscribed hears it', async () => {
    const ears = [new Ear(), new Ear()];
    await Promise.all([first, second].map((each, i) => each.subscribe(channel, ears[i]?.hear ?? fail)));
    expect(await publish(first, channel, Uint8Array.of(2))).toBe(2);
    for (const ear of ears) expect([...(await ear.next())]).toEqual([2]);
  });

  test('what nobody hears is answered by 0', async () => {
    expect(await publish(first, channel, Uint8Array.of(1))).toBe(0);
  });

  test('channels are apart', async () => {
    const ear = new Ear();
    const other = newChannel();
    await second.subscribe(channel, ear.hear);
    await second.subscribe(other, fail);
    expect(await publish(first, channel, Uint8Array.of(3))).toBe(1);
    expect([...(await ear.next())]).toEqual([3]);
  });

  test("one publisher's envelopes arrive in the order published, each once", async () => {
    const ear = new Ear();
    await second.subscribe(channel, ear.hear);
    const published = Array.from({ length: 500 }, (_, i) => publish(first, channel, numbered(i)));
    expect(new Set(await Promise.all(published))).toEqual(new Set([1]));
    for (let i = 0; i < 500; i += 1) expect(numberOf(await ear.next())).toBe(i);
    await publish(first, channel, numbered(500));
    expect(numberOf(await ear.next())).toBe(500);
    expect(ear.waiting).toBe(0);
  });

  test('an envelope may be large, or empty', async () => {
    const ear = new Ear();
    await second.subscribe(channel, ear.hear);
    await publish(first, channel, new Uint8Array(3_000_000).fill(7));
    await publish(first, channel, new Uint8Array());
    const large = await ear.next();
    expect([large.length, large[2_999_999]]).toEqual([3_000_000, 7]);
    expect(await ear.next()).toHaveLength(0);
  });

  test('nothing is heard or answered during publish', async () => {
    let isPublishing = false;
    const during: boolean[] = [];
    const ear = new Ear();
    await first.subscribe(channel, (envelope) => {
      during.push(isPublishing);
      ear.hear(envelope);
    });
    isPublishing = true;
    const published = new Promise<void>((resolve) => {
      first.publish(channel, Uint8Array.of(1), () => {
        during.push(isPublishing);
        resolve();
      });
    });
    isPublishing = false;
    await published;
    await ear.next();
    expect(during).toEqual([false, false]);
  });

  test('nothing is heard after unsubscribe has resolved, and publishers are told', async () => {
    await second.subscribe(channel, () => undefined);
    await publish(first, channel, Uint8Array.of(1));
    const ear = new Ear();
    await second.subscribe(channel, ear.hear);
    await second.unsubscribe(channel);
    const before = ear.waiting;
    expect(await publish(first, channel, Uint8Array.of(2))).toBe(0);
    await roundTrip();
    expect(ear.waiting).toBe(before);
  });

  test('of two subscriptions for one channel the later one hears, alone', async () => {
    const ear = new Ear();
    await second.subscribe(channel, fail);
    await second.subscribe(channel, ear.hear);
    expect(await publish(first, channel, Uint8Array.of(4))).toBe(1);
    expect([...(await ear.next())]).toEqual([4]);
  });

  test('calls for one channel take effect in the order made', async () => {
    const ear = new Ear();
    await Promise.all([
      second.subscribe(channel, fail),
      second.unsubscribe(channel),
      second.subscribe(channel, fail),
      second.unsubscribe(channel),
      second.subscribe(channel, ear.hear),
    ]);
    expect(await publish(first, channel, Uint8Array.of(5))).toBe(1);
    expect([...(await ear.next())]).toEqual([5]);
    await Promise.all([second.subscribe(channel, fail), second.unsubscribe(channel)]);
    expect(await publish(first, channel, Uint8Array.of(6))).toBe(0);
  });

  test("a node's unsubscribing is no other's", async () => {
    const ear = new Ear();
    await first.subscribe(channel, fail);
    await second.subscribe(channel, ear.hear);
    await first.unsubscribe(channel);
    expect(await publish(first, channel, Uint8Array.of(7))).toBe(1);
    expect([...(await ear.next())]).toEqual([7]);
  });

  test('to unsubscribe from an unknown channel is no error', async () => {
    await first.unsubscribe(channel);
  });

  test('a receiver may publish, subscribe and unsubscribe while it hears', async () => {
    const answers = new Ear();
    const back = newChannel();
    await first.subscribe(back, answers.hear);
    await second.subscribe(channel, (envelope) => {
      void second.unsubscribe(channel).then(() => publish(second, back, envelope));
    });
    await publish(first, channel, Uint8Array.of(8));
    expect([...(await answers.next())]).toEqual([8]);
    expect(await publish(first, channel, Uint8Array.of(9))).toBe(0);
  });

  /** Whatever was published before has been heard, if it is to be heard at all. */
  async function roundTrip(): Promise<void> {
    const ear = new Ear();
    const probe = newChannel();
    await second.subscribe(probe, ear.hear);
    await publish(first, probe, new Uint8Array());
    await ear.next();
  }
}

/** Takes envelopes one by one, each with a deadline. */
class Ear {
  readonly #heard: Uint8Array[] = [];
  #wake: () => void = () => undefined;

  readonly hear = (envelope: Uint8Array): void => {
    this.#heard.push(envelope);
    this.#wake();
  };

  get waiting(): number {
    return this.#heard.length;
  }

  async next(): Promise<Uint8Array> {
    for (;;) {
      const envelope = this.#heard.shift();
      if (envelope) return envelope;
      await within('an envelope', new Promise<void>((resolve) => (this.#wake = resolve)));
    }
  }
}

function fail(): never {
  throw new Error('this ear must hear nothing');
}

function publish(backplane: Backplane, channel: string, envelope: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve) => backplane.publish(channel, envelope, resolve));
}

function newChannel(): string {
  return channelOf(roomCodeOf(randomInt(ROOM_CODES)), drawNodeId());
}

function numbered(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return new Uint8Array(bytes);
}

function numberOf(envelope: Uint8Array): number {
  return Buffer.from(envelope).readUInt32BE(0);
}
