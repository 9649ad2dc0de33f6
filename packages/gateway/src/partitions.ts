/** Which hash tag a room's keys and channels share: one of 256, spread evenly over the slots of a Redis Cluster. */
import { type RoomCode } from '@wmbp/protocol';

const PARTITIONS = 256;
const SLOTS = 16_384;
const SLOTS_PER_PARTITION = SLOTS / PARTITIONS;

/**
 * A tag for each partition whose slot lies in the partition's share of all slots. Plain numbers as tags would
 * leave some shards with twice the rooms of others.
 */
const TAGS: readonly string[] = Array.from({ length: PARTITIONS }, (_, partition) => {
  for (let attempt = 0; ; attempt += 1) {
    const tag = `p${partition}.${attempt}`;
    if (Math.floor(slotOf(tag) / SLOTS_PER_PARTITION) === partition) return tag;
  }
});

/** All keys and channels of a room have this between braces, so that they are in one slot. */
export function tagOf(room: RoomCode): string {
  let number = 0;
  for (let i = 0; i < room.length; i += 1) number = number * 26 + (room.charCodeAt(i) - 65);
  return TAGS[number % PARTITIONS] as string;
}

/** CRC-16/XMODEM of an ASCII tag, modulo the number of slots (Redis Cluster specification, "Key distribution"). */
export function slotOf(tag: string): number {
  let crc = 0;
  for (let i = 0; i < tag.length; i += 1) {
    crc ^= tag.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc % SLOTS;
}
