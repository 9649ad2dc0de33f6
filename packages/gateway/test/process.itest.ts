/** The real start command: a host and three players play over every command of the protocol. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type PlayerId } from '@wmbp/protocol';
import { startServer, TestHost, TestPeer, within, type ServerProcess } from '@wmbp/testkit';
import { stateOf } from './wire.ts';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ WMBP_DRAIN_NOTICE_MS: '0' });
});
afterAll(() => server.kill('SIGKILL'));

test('a game is played from prepare to stop, and the process ends in good order', async () => {
  const url = `ws://127.0.0.1:${server.port}`;
  expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(400);

  const host = await new TestHost(`${url}/CREATE`).opened();
  expect(await host.nextEvent()).toEqual(stateOf([], 0, false));
  const code = await host.prepare(4, 'quiz');
  const lookup = await fetch(`http://127.0.0.1:${server.port}/${code}`);
  expect([lookup.status, await lookup.text()]).toEqual([200, 'quiz']);

  const players: TestPeer[] = [];
  const ids: PlayerId[] = [];
  for (let i = 0; i < 3; i += 1) {
    players.push(await new TestPeer(`${url}/${code}`).opened());
    ids.push((await host.expect('player_joined')).player);
    expect(await host.nextEvent()).toEqual(stateOf(ids, 4, true, 'quiz'));
  }
  const [ann, ben, cleo] = players as [TestPeer, TestPeer, TestPeer];

  host.command({ cmd: 'start' });
  expect(await host.nextEvent()).toEqual(stateOf(ids, 4, false, 'quiz'));
  const late = await new TestPeer(`${url}/${code}`).opened();
  expect(await late.closed()).toEqual({ code: 4503, reason: 'The game has started.' });

  host.command({ cmd: 'to_str', to: 'all', data: Buffer.from('draw a cat') });
  for (const player of players) expect(await player.nextText()).toBe('draw a cat');
  ben.send(Uint8Array.of(1, 2, 255));
  expect(await host.expect('from')).toMatchObject({ from: ids[1], data: Uint8Array.of(1, 2, 255) });
  ann.send('a dog?');
  expect(await host.nextEvent()).toEqual({ cmd: 'from_str', from: ids[0], data: 'a dog?' });
  host.send(`{"cmd":"to","to":[${ids[0]},${ids[2]}],"data":[1,2,255]}`);
  for (const player of [ann, cleo]) {
    expect(await player.next()).toEqual({ bytes: Buffer.from([1, 2, 255]), isBinary: true });
  }

  host.send('nonsense');
  expect(await host.nextEvent()).toEqual({ cmd: 'error', reason: 'Invalid message.' });
  host.send(`{"cmd":"kick","player":${ids[0]}}`);
  expect(await host.nextEvent()).toEqual(stateOf(ids, 4, false, 'quiz'));
  expect(await ann.closed()).toEqual({ code: 4504, reason: 'Kicked by the host.' });
  expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: ids[0] });
  expect(await host.nextEvent()).toEqual(stateOf(ids.slice(1), 4, false, 'quiz'));
  cleo.close();
  expect(await host.nextEvent()).toEqual({ cmd: 'player_left', player: ids[2] });
  expect(await host.nextEvent()).toEqual(stateOf(ids.slice(1, 2), 4, false, 'quiz'));

  host.command({ cmd: 'stop' });
  const over = { code: 1001, reason: 'The game is done.' };
  expect(await host.closed()).toEqual(over);
  expect(await ben.closed()).toEqual(over);
  expect((await fetch(`http://127.0.0.1:${server.port}/${code}`)).status).toBe(404);

  server.kill('SIGTERM');
  expect(await within('the exit', server.exited)).toEqual({ code: 0, signal: null });
});
