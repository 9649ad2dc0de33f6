/** Whole gateways in this process for tests, and the two ways in which a game can sit on them. */
import { type PlayerId } from '@wmbp/protocol';
import { TestHost, TestPeer } from '@wmbp/testkit';
import { readConfig } from '../src/config.ts';
import { openGateway, type Gateway } from '../src/gateway.ts';
import { type Log } from '../src/log.ts';
import { MemoryBackplane } from '../src/memory/backplane.ts';
import { MemoryRoomStore } from '../src/memory/room-store.ts';
import { type RoomStore } from '../src/room-store.ts';

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: object;
}

/** Gateways over one store and one backplane. The test that opens them closes them. */
export class Nodes {
  readonly gateways: Gateway[];
  readonly log: LoggedLine[];
  readonly #peers: TestPeer[] = [];

  private constructor(gateways: Gateway[], log: LoggedLine[]) {
    this.gateways = gateways;
    this.log = log;
  }

  /** @param count one: everybody on one node; two: hosts on the first, players on the second */
  static async open(
    count: number,
    settings: Readonly<Record<string, string>> = {},
    store: RoomStore = new MemoryRoomStore(),
  ): Promise<Nodes> {
    const log: LoggedLine[] = [];
    const first = new MemoryBackplane();
    const env = { WMBP_HOST: '127.0.0.1', WMBP_PORT: '0', WMBP_ADMIN_PORT: '0', ...settings };
    const gateways: Gateway[] = [];
    for (let i = 0; i < count; i += 1) {
      const backplane = i === 0 ? first : new MemoryBackplane(first);
      gateways.push(await openGateway(readConfig(env), recorder(log), { store, backplane }));
    }
    return new Nodes(gateways, log);
  }

  /** Where players go. */
  get playerPort(): number {
    return portOf(this.gateways.at(-1));
  }

  get hostPort(): number {
    return portOf(this.gateways[0]);
  }

  /** A host that has its first `state` behind it. */
  async host(): Promise<TestHost> {
    const host = new TestHost(`ws://127.0.0.1:${this.hostPort}/CREATE`);
    this.#peers.push(host);
    await host.opened();
    await host.expect('state');
    return host;
  }

  /** A host with an open room. */
  async room(maxPlayers: number, name = ''): Promise<{ host: TestHost; code: string }> {
    const host = await this.host();
    return { host, code: await host.prepare(maxPlayers, name) };
  }

  /** A player's socket, on its way; whether it is admitted shows. */
  async player(code: string): Promise<TestPeer> {
    const player = new TestPeer(`ws://127.0.0.1:${this.playerPort}/${code}`);
    this.#peers.push(player);
    return player.opened();
  }

  /** A player that its host has been told of; takes the host's two events. */
  async joined(host: TestHost, code: string): Promise<{ player: TestPeer; id: PlayerId }> {
    const player = await this.player(code);
    const { player: id } = await host.expect('player_joined');
    await host.expect('state');
    return { player, id };
  }

  /** Errors logged are failures of ours: there must be none. */
  get failures(): LoggedLine[] {
    return this.log.filter(({ level }) => level === 'error');
  }

  close(): void {
    for (const peer of this.#peers) peer.drop();
    for (const gateway of this.gateways) gateway.close();
  }
}

function portOf(gateway: Gateway | undefined): number {
  if (!gateway) throw new Error('no gateway is open');
  return gateway.port;
}

function recorder(lines: LoggedLine[]): Log {
  const at = (level: LoggedLine['level']) => (fields: object, event: string) =>
    void lines.push({ level, event, fields });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Every test of what peers see runs twice: wherever they sit, nobody can tell. */
export const ARRANGEMENTS = [
  ['on one node', 1],
  ['on two nodes', 2],
] as const;
