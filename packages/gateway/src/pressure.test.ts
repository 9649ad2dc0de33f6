import { beforeEach, describe, expect, test } from '@jest/globals';
import { Backlog, MAX_UNSENT_MS, Pressure, type PressedSocket } from './pressure.ts';

class FakeSocket implements PressedSocket {
  readonly backlog = new Backlog();
  readonly fate: string[] = [];
  /** What `blameOther` answers, call by call; then false. */
  blames: boolean[] = [];

  closeSlow(): void {
    this.fate.push('closed');
  }

  drop(): void {
    this.fate.push('dropped');
  }

  blameOther(): boolean {
    this.fate.push('asked');
    return this.blames.shift() ?? false;
  }
}

const NOW = 1000;
let pressure: Pressure;
let socket: FakeSocket;
beforeEach(() => {
  pressure = new Pressure({ maxUnsentBytes: 1000, maxTotalUnsentBytes: 10_000 });
  socket = new FakeSocket();
});

describe('one socket', () => {
  test('may have as much unsent as the bound, and not a byte more', () => {
    pressure.note(socket, 1000, false, NOW);
    expect(socket.fate).not.toContain('closed');
    pressure.note(socket, 1001, false, NOW);
    expect(socket.fate).toContain('closed');
  });

  test('is closed when something was unsent for 15 s, however little', () => {
    pressure.note(socket, 1, false, NOW);
    pressure.tick(NOW + MAX_UNSENT_MS - 1);
    expect(socket.fate).toEqual([]);
    pressure.tick(NOW + MAX_UNSENT_MS);
    expect(socket.fate).toEqual(['closed']);
  });

  test('that takes everything starts anew', () => {
    pressure.note(socket, 10, false, NOW);
    pressure.note(socket, 0, true, NOW + 14_000);
    pressure.note(socket, 10, false, NOW + 14_001);
    pressure.tick(NOW + 29_000);
    expect(socket.fate).toEqual([]);
    pressure.tick(NOW + 29_001);
    expect(socket.fate).toEqual(['closed']);
  });

  test('that reads slowly is closed all the same after 15 s: what was unsent never came to zero', () => {
    for (let ms = 0; ms < MAX_UNSENT_MS; ms += 1000) pressure.note(socket, 400, true, NOW + ms);
    pressure.tick(NOW + MAX_UNSENT_MS);
    expect(socket.fate.at(-1)).toBe('closed');
  });

  test('has others looked for at half of its bound, before it is closed itself', () => {
    pressure.note(socket, 500, false, NOW);
    expect(socket.fate).toEqual([]);
    pressure.note(socket, 501, false, NOW);
    expect(socket.fate).toEqual(['asked']);
  });

  test('has a minute to take what another sent too much of, as long as it reads', () => {
    socket.blames = [true];
    pressure.note(socket, 600, false, NOW);
    for (let ms = 1000; ms < 60_000; ms += 1000) pressure.note(socket, 400, true, NOW + ms);
    expect(socket.fate).not.toContain('closed');
    pressure.note(socket, 400, true, NOW + 60_000);
    expect(socket.fate.at(-1)).toBe('closed');
  });

  test('that does not read at all has no such minute', () => {
    socket.blames = [true];
    pressure.note(socket, 600, false, NOW);
    pressure.tick(NOW + MAX_UNSENT_MS);
    expect(socket.fate.at(-1)).toBe('closed');
  });

  test('that is gone is not looked at any more', () => {
    pressure.note(socket, 900, false, NOW);
    pressure.forget(socket);
    pressure.forget(socket);
    expect(pressure.totalBytes).toBe(0);
    pressure.tick(NOW + MAX_UNSENT_MS);
    expect(socket.fate).not.toContain('closed');
  });
});

describe('all sockets together', () => {
  test('have their unsent bytes counted, up and down', () => {
    const other = new FakeSocket();
    pressure.note(socket, 300, false, NOW);
    pressure.note(other, 200, false, NOW);
    pressure.note(socket, 100, true, NOW);
    expect(pressure.totalBytes).toBe(300);
  });

  test('lose the largest, at once, until what is left is within the bound', () => {
    pressure = new Pressure({ maxUnsentBytes: 1000, maxTotalUnsentBytes: 2000 });
    const sockets = [700, 900, 500, 800].map((bytes) => {
      const each = new FakeSocket();
      pressure.note(each, bytes, false, NOW);
      return each;
    });
    pressure.relieve();
    expect(sockets.map(({ fate }) => fate.includes('dropped'))).toEqual([false, true, false, false]);
    expect(pressure.totalBytes).toBe(2000);
  });

  test('count what those have unsent that are closed, until the library has given it up', () => {
    expect(pressure.mayLinger(3000, NOW)).toBe(true);
    expect(pressure.mayLinger(2000, NOW + 1000)).toBe(true);
    expect(pressure.totalBytes).toBe(5000);
    pressure.tick(NOW + 16_000);
    expect(pressure.totalBytes).toBe(2000);
    pressure.tick(NOW + 17_000);
    expect(pressure.totalBytes).toBe(0);
  });

  test('who is closed keeps at most half of the memory; who closes with nothing unsent may always', () => {
    expect(pressure.mayLinger(5000, NOW)).toBe(true);
    expect(pressure.mayLinger(1, NOW)).toBe(false);
    expect(pressure.mayLinger(0, NOW)).toBe(true);
    expect(pressure.mayLinger(1, NOW + 16_000)).toBe(true);
  });
});
