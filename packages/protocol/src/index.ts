/** The public door of @wmbp/protocol. */
export { CLOSE, mayComeBack, type Close, type CloseName } from './close-codes.ts';
export { decodeHostCommand, decodeHostEvent, encodeHostCommand, encodeHostEvent } from './codec.ts';
export { ProtocolError, type ProtocolErrorCode } from './errors.ts';
export { encodeFrom, encodeFromStr, maxFromBytes, maxFromStrBytes } from './from.ts';
export { MAX_CLOSE_REASON_BYTES, MAX_ROOM_NAME_BYTES } from './limits.ts';
export { type Addressees, type HostCommand, type HostEvent } from './messages.ts';
export {
  MAX_PLAYER_ID,
  parseRoomCode,
  playerId,
  ROOM_CODE_LETTERS,
  ROOM_CODES,
  roomCodeOf,
  type PlayerId,
  type RoomCode,
} from './names.ts';
export { CREATE_PATH, parsePath, roomPath, type PathMeaning } from './paths.ts';
