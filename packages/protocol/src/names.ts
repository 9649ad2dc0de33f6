/** Names on the wire: room codes and player ids. Brands are born here. */

/** Four letters A–Z. People type it; the wire field is `key`. */
export type RoomCode = string & { readonly __brand: 'RoomCode' };

/** Integer from 1 to 4294967295, unique in its room, never reused while the room lives. */
export type PlayerId = number & { readonly __brand: 'PlayerId' };

export const ROOM_CODE_LETTERS = 4;
export const ROOM_CODES = 26 ** ROOM_CODE_LETTERS;
export const MAX_PLAYER_ID = 0xffff_ffff;

/** The room code that `text` spells, in upper case; `undefined` when it spells none. */
export function parseRoomCode(text: string): RoomCode | undefined {
  return /^[a-zA-Z]{4}$/.test(text) ? (text.toUpperCase() as RoomCode) : undefined;
}

/** The room code with this number. @param number integer from 0 to ROOM_CODES - 1 */
export function roomCodeOf(number: number): RoomCode {
  let rest = number;
  let code = '';
  for (let i = 0; i < ROOM_CODE_LETTERS; i += 1) {
    code += String.fromCharCode(65 + (rest % 26));
    rest = Math.floor(rest / 26);
  }
  return code as RoomCode;
}

/** `number` as a player id; the caller vouches for its range. */
export function playerId(number: number): PlayerId {
  return number as PlayerId;
}
