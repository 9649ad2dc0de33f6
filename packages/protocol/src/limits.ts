/** Bounds of the wire that no setting moves. */

/** UTF-8 bytes of a room's name. It is repeated in every `state`, so a long one costs at every join. */
export const MAX_ROOM_NAME_BYTES = 1024;

/** UTF-8 bytes of a close reason (RFC 6455 §5.5: a control frame holds 125 bytes, two are the code). */
export const MAX_CLOSE_REASON_BYTES = 123;
