/** URL paths: what a peer asks for is all in the path of its WebSocket. */
import { parseRoomCode, type RoomCode } from './names.ts';

export const CREATE_PATH = '/CREATE';

export type PathMeaning =
  { readonly kind: 'create' } | { readonly kind: 'room'; readonly room: RoomCode } | undefined;

const CREATE: PathMeaning = { kind: 'create' };

/** Letters count in either case. @param path without query or fragment */
export function parsePath(path: string): PathMeaning {
  if (path.length === CREATE_PATH.length && path.toUpperCase() === CREATE_PATH) return CREATE;
  const room = path.startsWith('/') ? parseRoomCode(path.slice(1)) : undefined;
  return room === undefined ? undefined : { kind: 'room', room };
}

export function roomPath(room: RoomCode): string {
  return `/${room}`;
}
