/** Composition: the only place where the objects of a node meet. */
import { type Backplane } from './backplane.ts';
import { type Config } from './config.ts';
import { drain } from './drain.ts';
import { Hub } from './hub.ts';
import { Inbox } from './inbox.ts';
import { Journal } from './journal.ts';
import { Links } from './links.ts';
import { type Log } from './log.ts';
import { MemoryBackplane } from './memory/backplane.ts';
import { MemoryRoomStore } from './memory/room-store.ts';
import { Metrics } from './metrics.ts';
import { drawNodeId } from './names.ts';
import { Peers } from './peers.ts';
import { Pressure } from './pressure.ts';
import { exposeMetrics } from './prometheus/exposition.ts';
import { Relay } from './relay.ts';
import { type RoomStore } from './room-store.ts';
import { Rooms } from './rooms.ts';
import { Subscriptions } from './subscriptions.ts';
import { Turn } from './turn.ts';
import { UnknownCodes } from './unknown-codes.ts';
import { serveLookups, serveOperations } from './uws/http.ts';
import { listen } from './uws/listen.ts';
import { loadUws } from './uws/load.ts';
import { serveWebSockets } from './uws/transport.ts';

export interface Gateway {
  readonly port: number;
  /** `undefined` when there is no listener for operations. */
  readonly adminPort: number | undefined;
  /** Refuses new peers from now on, and resolves when everybody was given notice and is gone. */
  drain(): Promise<void>;
  /** Stops at once: whatever is still open is dropped. */
  close(): void;
}

/** What nodes share; by default each has its own, in memory. */
export interface Shared {
  readonly store: RoomStore;
  readonly backplane: Backplane;
}

/** @throws {Error} when a port cannot be had; nothing is left open then */
export async function openGateway(config: Config, log: Log, shared?: Shared): Promise<Gateway> {
  const { store, backplane } = shared ?? { store: new MemoryRoomStore(), backplane: new MemoryBackplane() };
  const node = drawNodeId();
  const metrics = new Metrics();
  const journal = new Journal(log, metrics);
  const pressure = new Pressure(config);
  const turn = new Turn(log);
  const hub = new Hub();
  const relay = new Relay(turn.buffer);
  const links: Links = new Links(node, backplane, turn, (room, other) => rooms.onLinkLost(room, other));
  const subscriptions: Subscriptions = new Subscriptions(
    backplane,
    node,
    (room, envelope) => inbox.receive(room, envelope),
    log,
  );
  const rooms: Rooms = new Rooms(
    node,
    config.maxRooms,
    store,
    subscriptions,
    links,
    hub,
    relay,
    journal,
    log,
  );
  const inbox = new Inbox(hub, relay, rooms);
  const unknownCodes = new UnknownCodes();
  const bounds = { ...config, prepareTimeoutMs: 1000 * config.prepareTimeoutSeconds };
  const peers = new Peers(rooms, relay, unknownCodes, journal, metrics, bounds, log);

  const uws = loadUws();
  const publicApp = uws.App();
  const adminApp = uws.App();
  let draining: Promise<void> | undefined;

  serveWebSockets(uws, publicApp, peers, turn, pressure, metrics, config, log);
  serveLookups(publicApp, rooms, unknownCodes, metrics, log);
  const exposition = exposeMetrics(metrics, hub, pressure);
  const operations = {
    notReady: () => (draining ? 'draining' : undefined),
    metrics: async () =>
      ({ status: 200, body: await exposition.text(), type: exposition.contentType }) as const,
  };
  serveOperations(adminApp, operations, log);

  const ticker = setInterval(() => {
    pressure.tick(performance.now());
    unknownCodes.tick();
    journal.tick();
  }, 1000);

  function close(): void {
    clearInterval(ticker);
    unknownCodes.close();
    subscriptions.close();
    publicApp.close();
    adminApp.close();
    journal.tick();
  }

  try {
    const { host, adminHost } = config;
    const adminPort =
      config.adminPort === undefined ? undefined : await listen(uws, adminApp, adminHost, config.adminPort);
    const port = await listen(uws, publicApp, host, config.port);
    log.info({ host, port, adminHost, adminPort, node }, 'listening');
    return { port, adminPort, close, drain: () => (draining ??= drain(peers, config.drainNoticeMs)) };
  } catch (error) {
    close();
    throw error;
  }
}
