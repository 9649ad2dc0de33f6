/** What a host may send, in every spelling that existing hosts use, and what comes of it. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { playerId, type PlayerId } from '@wmbp/protocol';
import { type TestHost, type TestPeer } from '@wmbp/testkit';
import { ARRANGEMENTS, Nodes } from './nodes.ts';
import { array, arrived, concat, integer, integers, map, octets, stateOf, text } from './wire.ts';
import { NULL, UNDEFINED, type Form } from './wire.ts';

const INVALID = { cmd: 'error', reason: 'Invalid message.' };
const A = text('A');
const TO_STR = text('to_str');

describe.each(ARRANGEMENTS)('%s', (_, count) => {
  let nodes: Nodes;
  let host: TestHost;
  let code: string;
  let players: TestPeer[];
  let ids: PlayerId[];

  beforeEach(async () => {
    nodes = await Nodes.open(count);
    ({ host, code } = await nodes.room(9));
    players = [];
    ids = [];
    for (let i = 0; i < 3; i += 1) {
      const { player, id } = await nodes.joined(host, code);
      players.push(player);
      ids.push(id);
    }
  });
  afterEach(() => nodes.close());

  /** What each player got up to now, as text; bytes in hex. */
  async function got(): Promise<string[][]> {
    host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('.') });
    const all: string[][] = [];
    for (const player of players) {
      const frames: string[] = [];
      for (let frame = await player.next(); ; frame = await player.next()) {
        const shown = Buffer.from(frame.bytes).toString(frame.isBinary ? 'hex' : 'utf8');
        if (!frame.isBinary && shown === '.') break;
        frames.push(frame.isBinary ? `x${shown}` : shown);
      }
      all.push(frames);
    }
    return all;
  }

  async function heardNothing(): Promise<void> {
    await arrived(host);
    expect(host.waiting).toBe(0);
  }

  test('to sends binary frames and to_str text frames, to those listed only', async () => {
    host.command({ cmd: 'to', to: [playerId(1), playerId(3)], data: Uint8Array.of(0, 255) });
    host.command({ cmd: 'to_str', to: [playerId(2)], data: Buffer.from('hé\u0000') });
    expect(await got()).toEqual([['x00ff'], ['hé\u0000'], ['x00ff']]);
    await heardNothing();
  });

  test('an empty to means everybody', async () => {
    host.send(map([['cmd', text('to')], ['to', array([])], ['data', octets(Uint8Array.of(1))]])); // prettier-ignore
    host.send(map([['cmd', TO_STR], ['to', array([], 'indefinite')], ['data', A]])); // prettier-ignore
    host.send('{"cmd":"to_str","to":[],"data":"J"}');
    expect(await got()).toEqual([
      ['x01', 'A', 'J'],
      ['x01', 'A', 'J'],
      ['x01', 'A', 'J'],
    ]);
  });

  test('unknown ids are ignored and an id listed twice counts once', async () => {
    host.command({ cmd: 'to_str', to: [99, 2, 0, 2, 0xffff_ffff, 2].map(playerId), data: Buffer.from('A') });
    host.command({ cmd: 'to_str', to: [99].map(playerId), data: Buffer.from('B') });
    expect(await got()).toEqual([[], ['A'], []]);
    await heardNothing();
  });

  test('undefined and null among the ids are nobody, and a to of nothing else reaches nobody', async () => {
    host.send(map([['to', array([UNDEFINED, integer(1), NULL, integer(3)])], ['cmd', TO_STR], ['data', A]])); // prettier-ignore
    host.send(map([['to', array([UNDEFINED])], ['cmd', TO_STR], ['data', A]])); // prettier-ignore
    host.send(map([['to', array([NULL, NULL])], ['cmd', TO_STR], ['data', A]])); // prettier-ignore
    host.send('{"cmd":"to_str","to":[null],"data":"A"}');
    expect(await got()).toEqual([['A'], [], ['A']]);
    await heardNothing();
  });

  test('data is a byte string or an array of integers', async () => {
    const bytes = Uint8Array.of(0, 23, 24, 127, 128, 255);
    host.send(map([['cmd', text('to')], ['to', array([integer(1)])], ['data', octets(bytes)]])); // prettier-ignore
    host.send(map([['cmd', text('to')], ['to', array([integer(1)])], ['data', integers(bytes)]])); // prettier-ignore
    host.send('{"cmd":"to","to":[1],"data":[0,23,24,127,128,255]}');
    const hex = 'x0017187f80ff';
    expect(await got()).toEqual([[hex, hex, hex], [], []]);
  });

  test('lengths and integers may be spelled in every form', async () => {
    const forms: readonly Form[] = [1, 2, 4, 8];
    for (const form of forms) {
      const to = array([integer(1, form), integer(3, form)], form);
      host.send(map([['cmd', text('to_str', form)], ['to', to], ['data', text('A', form)]])); // prettier-ignore
      host.send(map([['cmd', text('to')], ['to', to], ['data', octets(Uint8Array.of(7), form)]])); // prettier-ignore
    }
    const to = array([integer(1), integer(3)], 'indefinite');
    host.send(map([['cmd', TO_STR], ['to', to], ['data', A]], true)); // prettier-ignore
    const expected = [...forms.flatMap(() => ['A', 'x07']), 'A'];
    expect(await got()).toEqual([expected, [], expected]);
    await heardNothing();
  });

  test('fields come in any order, and unknown ones are skipped', async () => {
    host.send(map([['data', A], ['to', array([integer(2)])], ['cmd', TO_STR]])); // prettier-ignore
    host.send(map([['x', map([['cmd', text('stop')]])], ['data', A], ['cmd', TO_STR], ['to', array([integer(2)])]])); // prettier-ignore
    host.send('{"data":"J","to":[2],"extra":{"cmd":"stop"},"cmd":"to_str"}');
    expect(await got()).toEqual([[], ['A', 'A', 'J'], []]);
  });

  test('what just-party sends works to the byte: its order of keys, undefined ids, zeros behind', async () => {
    const to = array([UNDEFINED, integer(2), integer(3)]);
    const short = map([['to', to], ['cmd', TO_STR], ['data', text('{"t":"x"}')]]); // prettier-ignore
    const long = map([['to', to], ['cmd', text('to')], ['data', integers(new Uint8Array(150).fill(7))]]); // prettier-ignore
    expect(long.length).toBeGreaterThan(128);
    host.send(short);
    host.send(concat([long, new Uint8Array(256 - long.length)]));
    const expected = ['{"t":"x"}', `x${'07'.repeat(150)}`];
    expect(await got()).toEqual([[], expected, expected]);
    const second = await nodes.host();
    second.send(map([['cmd', text('prepare')], ['name', text('drawit')], ['max_players', integer(9)]])); // prettier-ignore
    expect(await second.nextEvent()).toEqual(stateOf([], 9, true, 'drawit'));
  });

  test('bytes behind the first item are ignored, whatever they are', async () => {
    const kick = map([['cmd', text('kick')], ['player', integer(99)]]); // prettier-ignore
    host.send(concat([kick, Uint8Array.of(0xff, 0xff, 0x5f)]));
    expect(await host.nextEvent()).toEqual(stateOf([1, 2, 3], 9, true));
  });

  test('a text frame is the same command as JSON, with anything in its strings', async () => {
    const data = 'quote " backslash \\ NUL \u0000 newline \n snowman ☃ emoji 🎲 separator \u2028 </script>';
    host.send(JSON.stringify({ cmd: 'to_str', to: [1], data }));
    host.send('{"cmd":"to_str","to":[1],"data":"\\u0000\\ud83c\\udfb2\\/"}');
    host.send(' \n{ "cmd" : "to" , "to" : [ 1 ] , "data" : [ ] }\t');
    expect(await got()).toEqual([[data, '\u0000🎲/', 'x'], [], []]);
    host.send('{"cmd":"kick","player":99}');
    expect(await host.nextEvent()).toEqual(stateOf([1, 2, 3], 9, true));
    host.send('{"cmd":"start"}');
    expect(await host.nextEvent()).toEqual(stateOf([1, 2, 3], 9, false));
    host.send('{"cmd":"prepare","max_players":1}');
    expect(await host.nextEvent()).toEqual({ cmd: 'prepare_reply', key: code });
    host.send('{"cmd":"stop"}');
    expect(await host.closed()).toEqual({ code: 1001, reason: 'The game is done.' });
  });

  test('names of events are ignored without an error', async () => {
    for (const cmd of [
      'state',
      'prepare_reply',
      'player_joined',
      'player_left',
      'from',
      'from_str',
      'error',
    ]) {
      host.send(map([['cmd', text(cmd)]]));
      host.send(JSON.stringify({ cmd, from: 1, data: 'x' }));
    }
    expect(await got()).toEqual([[], [], []]);
    await heardNothing();
  });

  test.each<[string, string | Uint8Array]>([
    ['an empty binary frame', new Uint8Array()],
    ['an empty text frame', ''],
    ['a word', 'stop'],
    ['JSON that ends early', '{"cmd":"stop"'],
    ['JSON with something behind it', '{"cmd":"stop"}}'],
    ['an array', '["stop"]'],
    ['an unknown command', '{"cmd":"__proto__"}'],
    ['no cmd', map([['to', array([])]])],
    ['a cmd that is no text', map([['cmd', integer(1)]])],
    ['CBOR that ends early', map([['cmd', text('stop')]]).subarray(0, -1)],
    ['a kick without a player', map([['cmd', text('kick')]])],
    ['a negative id', '{"cmd":"kick","player":-1}'],
    ['an id above 32 bits', '{"cmd":"kick","player":4294967296}'],
    ['an id that is a fraction', '{"cmd":"to_str","to":[1.5],"data":"x"}'],
    ['an id that is a text', map([['cmd', TO_STR], ['to', array([text('1')])], ['data', A]])], // prettier-ignore
    ['a to that is no array', map([['cmd', TO_STR], ['to', integer(1)], ['data', A]])], // prettier-ignore
    ['a to without data', map([['cmd', text('to')], ['to', array([])]])], // prettier-ignore
    ['an octet of 256', '{"cmd":"to","to":[],"data":[256]}'],
    ['a to_str of bytes', map([['cmd', TO_STR], ['to', array([])], ['data', octets(Uint8Array.of(65))]])], // prettier-ignore
    ['a to of text', map([['cmd', text('to')], ['to', array([])], ['data', A]])], // prettier-ignore
  ])('%s is answered by exactly one error, and the room lives on', async (_what, frame) => {
    host.send(frame);
    expect(await host.nextEvent()).toEqual(INVALID);
    expect(await got()).toEqual([[], [], []]);
    players[0]?.send('still here');
    expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: ids[0], data: 'still here' });
    await heardNothing();
  });
});
