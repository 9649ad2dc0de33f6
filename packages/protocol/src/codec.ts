/** Bytes ⇄ messages: what a host and the gateway say to each other; checks every field (PROTOCOL.md §4–§6). */
import { Encoder } from 'cbor-x';
import { CborFields } from './cbor-fields.ts';
import { ProtocolError } from './errors.ts';
import { FIELD, wrongKind, type Field, type Fields } from './fields.ts';
import { encodeFrom, encodeFromStr, maxFromBytes, maxFromStrBytes } from './from.ts';
import { JsonFields } from './json-fields.ts';
import { MAX_ROOM_NAME_BYTES } from './limits.ts';
import { type Addressees, type HostCommand, type HostEvent } from './messages.ts';
import { playerId, type PlayerId } from './names.ts';
import { stringOf, utf8Of } from './text.ts';
import { Words } from './words.ts';

const EVENTS = [
  'state',
  'prepare_reply',
  'player_joined',
  'player_left',
  'from',
  'from_str',
  'error',
] as const;
const EVENT = new Words([...EVENTS, 'stop'] as const);
/** What a host may say; of these, events are ignored. */
const COMMAND = new Words(['prepare', 'start', 'kick', 'stop', 'to', 'to_str', ...EVENTS] as const);

const cbor = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });

/**
 * The command in a host's frame, CBOR when it is binary and JSON when it is text; `undefined` for an event's name,
 * which is no error. `data` may be a view of `bytes`: copy what must live longer. Takes time and memory linear in
 * the bytes, whatever they are.
 * @throws {ProtocolError} when the frame is neither
 */
export function decodeHostCommand(bytes: Uint8Array, isBinary: boolean): HostCommand | undefined {
  const fields = isBinary ? new CborFields(bytes) : new JsonFields(bytes);
  const cmd = fields.word(FIELD.cmd, COMMAND);
  switch (cmd) {
    case undefined:
      throw new ProtocolError('invalid', 'cmd: expected the name of a command, came another text or nothing');
    case 'to':
      return { cmd, to: addressees(fields), data: required(FIELD.data, fields.octets(FIELD.data)) };
    case 'to_str':
      return { cmd, to: addressees(fields), data: required(FIELD.data, fields.text(FIELD.data)) };
    case 'prepare':
      return { cmd, name: roomName(fields), max_players: u32(fields, FIELD.max_players) };
    case 'kick':
      return { cmd, player: player(fields, FIELD.player) };
    case 'start':
    case 'stop':
      return { cmd };
    case 'state':
    case 'prepare_reply':
    case 'player_joined':
    case 'player_left':
    case 'from':
    case 'from_str':
    case 'error':
      return undefined;
  }
}

/** The event as a host gets it. The array is the caller's. */
export function encodeHostEvent(event: HostEvent): Uint8Array {
  const { cmd } = event;
  switch (cmd) {
    case 'from': {
      const target = new Uint8Array(maxFromBytes(event.data.length));
      return target.subarray(0, encodeFrom(target, 0, event.from, event.data));
    }
    case 'from_str': {
      const data = utf8Of(event.data);
      const target = new Uint8Array(maxFromStrBytes(data.length));
      return target.subarray(0, encodeFromStr(target, 0, event.from, data));
    }
    case 'state': {
      const { name, players, max_players, accept_conns } = event;
      return encodeCbor({ cmd, name, players, max_players, accept_conns });
    }
    case 'prepare_reply':
      return encodeCbor({ cmd, key: event.key });
    case 'player_joined':
    case 'player_left':
      return encodeCbor({ cmd, player: event.player });
    case 'stop':
      return encodeCbor({ cmd });
    case 'error':
      return encodeCbor({ cmd, reason: event.reason });
  }
}

/**
 * The command as a host sends it in a binary frame. The array is the caller's.
 * @throws {TypeError} when the data of a `to_str` is not UTF-8
 */
export function encodeHostCommand(command: HostCommand): Uint8Array {
  const { cmd } = command;
  switch (cmd) {
    case 'prepare':
      return encodeCbor({ cmd, max_players: command.max_players, name: command.name });
    case 'kick':
      return encodeCbor({ cmd, player: command.player });
    case 'start':
    case 'stop':
      return encodeCbor({ cmd });
    case 'to':
      return encodeCbor({ cmd, to: wireAddressees(command.to), data: command.data });
    case 'to_str':
      return encodeCbor({ cmd, to: wireAddressees(command.to), data: stringOf(command.data) });
  }
}

/**
 * The event in a frame from the gateway. `data` of a `from` may be a view of `bytes`.
 * @throws {ProtocolError} when the frame is no event
 */
export function decodeHostEvent(bytes: Uint8Array): HostEvent {
  const fields = new CborFields(bytes);
  const cmd = fields.word(FIELD.cmd, EVENT);
  switch (cmd) {
    case undefined:
      throw new ProtocolError('invalid', 'cmd: expected the name of an event, came another text or nothing');
    case 'from':
      return { cmd, from: player(fields, FIELD.from), data: required(FIELD.data, fields.octets(FIELD.data)) };
    case 'from_str':
      return { cmd, from: player(fields, FIELD.from), data: text(fields, FIELD.data) };
    case 'state':
      return {
        cmd,
        name: text(fields, FIELD.name),
        players: players(fields),
        max_players: u32(fields, FIELD.max_players),
        accept_conns: required(FIELD.accept_conns, fields.boolean(FIELD.accept_conns)),
      };
    case 'prepare_reply':
      return { cmd, key: text(fields, FIELD.key) };
    case 'player_joined':
    case 'player_left':
      return { cmd, player: player(fields, FIELD.player) };
    case 'stop':
      return { cmd };
    case 'error':
      return { cmd, reason: text(fields, FIELD.reason) };
  }
}

function roomName(fields: Fields): string {
  const name = fields.text(FIELD.name);
  if (name === undefined) return '';
  if (name.length <= MAX_ROOM_NAME_BYTES) return stringOf(name);
  throw wrongKind(FIELD.name, `at most ${MAX_ROOM_NAME_BYTES} bytes of UTF-8`, `${name.length}`);
}

function addressees(fields: Fields): Addressees {
  return required(FIELD.to, fields.ids(FIELD.to));
}

/** An empty array means everybody; what reaches nobody is an array with nothing in it but `undefined`. */
function wireAddressees(to: Addressees): readonly (PlayerId | undefined)[] {
  if (to === 'all') return [];
  return to.length === 0 ? [undefined] : to;
}

function players(fields: Fields): readonly PlayerId[] {
  const ids = required(FIELD.players, fields.ids(FIELD.players));
  return ids === 'all' ? [] : ids;
}

function player(fields: Fields, field: Field): PlayerId {
  return playerId(u32(fields, field));
}

function u32(fields: Fields, field: Field): number {
  return required(field, fields.u32(field));
}

function text(fields: Fields, field: Field): string {
  return stringOf(required(field, fields.text(field)));
}

function required<Value>(field: Field, value: Value | undefined): Value {
  if (value === undefined) throw wrongKind(field, 'a value', 'nothing');
  return value;
}

/** A copy: cbor-x hands out a part of a buffer that it goes on to use. */
function encodeCbor(message: object): Uint8Array {
  return new Uint8Array(cbor.encode(message));
}
