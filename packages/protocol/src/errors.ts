/** What the codec throws when bytes are not a message. */

/** `malformed`: the bytes are no CBOR or JSON. `invalid`: they are, but no command or event. */
export type ProtocolErrorCode = 'malformed' | 'invalid';

/** The peer broke the protocol. `message` says what was expected and what came; it holds nothing of the payload. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.name = 'ProtocolError';
    this.code = code;
  }
}
