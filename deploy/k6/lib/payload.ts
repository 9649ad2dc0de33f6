/**
 * Payloads that say where they come from and in which place: a stamp in ASCII, then filler. They read the same as a text
 * frame, a binary frame, and an array of integers, where each byte takes two.
 *
 * | offset | size | field, in base 36 |
 * | --- | --- | --- |
 * | 0 | 3 | room |
 * | 3 | 4 | stream |
 * | 7 | 6 | sequence number, from 0 |
 * | 13 | 8 | when it was sent, microseconds since the run began |
 * | 21 | n | filler |
 */
import { type EventData } from './cbor.ts';

export interface Stamp {
  readonly room: number;
  readonly stream: number;
  readonly sequence: number;
  readonly sentMs: number;
}

export const STAMP_BYTES = 21;
const RADIX = 36;
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
/** Of the filler; not near a power of two: a shift shows. Short, because each virtual user makes one. */
const PERIOD = 36 * 31;
const SAMPLES = 8;

/** Made when the script is loaded: no peer waits for it. */
let filler = onePeriod();

/** @param length at least that of the stamp. @param quoted what stands behind the stamp, before the filler */
export function payloadOf(stamp: Stamp, length: number, quoted = ''): string {
  const head = textOf(stamp) + quoted;
  while (filler.length < length) filler += filler;
  return head + filler.slice(head.length, length);
}

/** The payload of a frame as text, without a copy of what is only filler: the stamp, or the stamps. */
export class Payload {
  readonly length: number;
  readonly #charAt: (index: number) => number;
  readonly #head: string;

  private constructor(length: number, head: string, charAt: (index: number) => number) {
    this.length = length;
    this.#head = head;
    this.#charAt = charAt;
  }

  static ofText(text: string): Payload {
    return new Payload(text.length, text.slice(0, 2 * STAMP_BYTES), (index) => text.charCodeAt(index));
  }

  static ofBytes(bytes: Uint8Array): Payload {
    const head = asciiOf(bytes.subarray(0, 2 * STAMP_BYTES));
    return new Payload(bytes.length, head, (index) => bytes[index] ?? 0);
  }

  /** Of an array of integers it is expected that each took two bytes: another length is no payload of ours. */
  static ofEvent({ kind, frame, start, end, count }: EventData): Payload {
    if (kind !== 'integers') return Payload.ofBytes(frame.subarray(start, end));
    if (end - start !== 2 * count) return new Payload(-1, '', () => 0);
    const head = asciiOf(frame.subarray(start, Math.min(end, start + 4 * STAMP_BYTES)));
    return new Payload(count, head.replaceAll('\x18', ''), (index) => frame[start + 2 * index + 1] ?? 0);
  }

  /** @param place 0 is the frame's own stamp, 1 the one that it quotes. `undefined`: there is none */
  stamp(place: 0 | 1 = 0): Stamp | undefined {
    return stampOf(this.#head.slice(place * STAMP_BYTES, (place + 1) * STAMP_BYTES));
  }

  /** Whether it is so long and its filler, looked at here and there and at its end, is what `payloadOf` made. */
  isWhole(length: number, stamps: 1 | 2 = 1): boolean {
    if (this.length !== length) return false;
    const from = stamps * STAMP_BYTES;
    const room = length - from;
    for (let i = 1; i <= Math.min(SAMPLES, room); i += 1) {
      const at = from + Math.ceil((i * room) / Math.min(SAMPLES, room)) - 1;
      if (this.#charAt(at) !== fillerAt(at)) return false;
    }
    return true;
  }
}

/** Text of ASCII as bytes of its own, which nobody else holds. */
export function bytesOf(ascii: string): Uint8Array<ArrayBuffer> {
  const stampEnd = Math.min(ascii.length, 2 * STAMP_BYTES);
  const bytes = new Uint8Array(fillerBytes(ascii.length));
  for (let i = 0; i < stampEnd; i += 1) bytes[i] = ascii.charCodeAt(i);
  return bytes;
}

export function textOf({ room, stream, sequence, sentMs }: Stamp): string {
  const sentUs = Math.round(sentMs * 1000);
  return digits(room, 3) + digits(stream, 4) + digits(sequence, 6) + digits(sentUs, 8);
}

const STAMP = /^[0-9a-z]{21}$/;

function stampOf(text: string): Stamp | undefined {
  if (!STAMP.test(text)) return undefined;
  return {
    room: parseInt(text.slice(0, 3), RADIX),
    stream: parseInt(text.slice(3, 7), RADIX),
    sequence: parseInt(text.slice(7, 13), RADIX),
    sentMs: parseInt(text.slice(13), RADIX) / 1000,
  };
}

const cache = new Map<number, Uint8Array<ArrayBuffer>>();

/** Bytes of filler alone, made once for each length. */
function fillerBytes(length: number): Uint8Array<ArrayBuffer> {
  const known = cache.get(length);
  if (known) return known;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < Math.min(length, PERIOD); i += 1) bytes[i] = fillerAt(i);
  for (let at = PERIOD; at < length; at *= 2) bytes.copyWithin(at, 0, Math.min(at, length - at));
  cache.set(length, bytes);
  return bytes;
}

function onePeriod(): string {
  let text = '';
  for (let i = 0; i < PERIOD; i += 1) text += String.fromCharCode(fillerAt(i));
  return text;
}

function fillerAt(index: number): number {
  const place = index % PERIOD;
  return DIGITS.charCodeAt((place * 7 + Math.floor(place / RADIX)) % RADIX);
}

function asciiOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function digits(value: number, count: number): string {
  return value.toString(RADIX).padStart(count, '0');
}
