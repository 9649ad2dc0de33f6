/** Composition: the only place where the objects of a node meet. */
import { readFileSync } from 'node:fs';
import { type Config } from './config.ts';
import { Doubts } from './doubts.ts';
import { drain, lastWords } from './drain.ts';
import { Hub } from './hub.ts';
import { Inbox } from './inbox.ts';
import { IpRanges } from './ip-ranges.ts';
import { Journal } from './journal.ts';
import { Ledger } from './ledger.ts';
import { Links } from './links.ts';
import { type Log } from './log.ts';
import { MemoryCluster } from './memory/cluster.ts';
import { Metrics } from './metrics.ts';
import { drawNodeId, type NodeId } from './names.ts';
import { Neighbours } from './neighbours.ts';
import { Offenders } from './offenders.ts';
import { LinkBudget } from './outgoing.ts';
import { Peers } from './peers.ts';
import { Pressure } from './pressure.ts';
import { exposeMetrics } from './prometheus/exposition.ts';
import { openRedis } from './redis/cluster.ts';
import { Relay } from './relay.ts';
import { Rooms } from './rooms.ts';
import { type Shared } from './shared.ts';
import { Subscriptions } from './subscriptions.ts';
import { Turn } from './turn.ts';
import { UnknownCodes } from './unknown-codes.ts';
import { TICK_MS, Upkeep } from './upkeep.ts';
import { Connections } from './uws/connections.ts';
import { serveLookups, serveOperations } from './uws/http.ts';
import { listen, type Listening } from './uws/listen.ts';
import { loadUws } from './uws/load.ts';
import { PeerAddresses } from './uws/peer-address.ts';
import { serveWebSockets } from './uws/transport.ts';

const VERSION = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

export interface Gateway {
  readonly port: number;
  /** `undefined` when there is no listener for operations. */
  readonly adminPort: number | undefined;
  /** Refuses new peers from now on, and resolves when everybody was given notice and is gone. */
  drain(): Promise<void>;
  /** Stops at once: whatever is still open is dropped. */
  close(): Promise<void>;
}

/**
 * @param share what the node shares with others; by default as its settings say
 * @throws {Error} when a port cannot be had; nothing is left open then
 */
export async function openGateway(
  config: Config,
  log: Log,
  share?: (node: NodeId, onReturn: () => void) => Shared,
): Promise<Gateway> {
  const node = drawNodeId();
  const metrics = new Metrics();
  const journal = new Journal(log, metrics, new Offenders(log, config.logAddresses));
  const pressure = new Pressure(config);
  const turn = new Turn(log);
  const hub = new Hub();
  const relay = new Relay(turn.buffer);
  const doubts = new Doubts();
  const onReturn = (): void => upkeep.onReturn();
  const shared = share ? share(node, onReturn) : openShared(config, node, metrics, log, onReturn);
  const { store, backplane, leases } = shared;

  const neighbours = new Neighbours(leases);
  const ledger = new Ledger(node, store, neighbours, doubts, log);
  const subscriptions: Subscriptions = new Subscriptions(
    backplane,
    node,
    (room, envelope) => links.receive(room, envelope),
    log,
  );
  const budget = new LinkBudget(config.maxLinkBytes);
  const links: Links = new Links(node, backplane, turn, subscriptions, budget, metrics, {
    deliver: (...item) => inbox.deliver(...item),
    onLost: (...lost) => inbox.onLost(...lost),
    hostedRoom: (...room) => inbox.hostedRoom(...room),
  });
  const rooms: Rooms = new Rooms(node, config.maxRooms, ledger, subscriptions, links, hub, relay, journal);
  const inbox = new Inbox(hub, relay, rooms);
  const upkeep: Upkeep = new Upkeep(
    node,
    leases,
    neighbours,
    store,
    ledger,
    hub,
    rooms,
    doubts,
    metrics,
    log,
  );
  const unknownCodes = new UnknownCodes();
  const bounds = { ...config, prepareTimeoutMs: 1000 * config.prepareTimeoutSeconds };
  const peers = new Peers(rooms, relay, unknownCodes, journal, metrics, bounds, log);

  const uws = loadUws();
  const publicApp = uws.App();
  const adminApp = uws.App();
  let peersListening: Listening | undefined;
  let draining: Promise<void> | undefined;

  const hasBalancer = config.proxyProtocolFrom.length > 0;
  const addresses = new PeerAddresses(new IpRanges(config.proxyProtocolFrom), metrics);
  const connections = new Connections(addresses, () => {
    if (hasBalancer) journal.unread();
  });
  connections.watch(publicApp);
  serveWebSockets(uws, publicApp, peers, connections, turn, pressure, metrics, config, log);
  serveLookups(publicApp, ledger, unknownCodes, connections, journal, metrics, log);
  const notReady = (): string | undefined =>
    draining ? 'draining' : (shared.trouble() ?? shared.refusal() ?? upkeep.trouble);
  const cluster = { subscriptions, links, budget, shared };
  const exposition = exposeMetrics(metrics, hub, pressure, cluster, {
    version: VERSION,
    bounds: config,
    isReady: () => notReady() === undefined,
    isDraining: () => draining !== undefined,
    isRedisReached: config.redis && (() => shared.trouble() === undefined),
  });
  const operations = {
    notReady,
    metrics: async () =>
      ({ status: 200, body: await exposition.text(), type: exposition.contentType }) as const,
  };
  serveOperations(adminApp, operations, log);

  const ticker = setInterval(() => {
    pressure.tick(performance.now());
    unknownCodes.tick();
    journal.tick();
  }, 1000);
  const upkeepTicker = setInterval(() => void upkeep.tick(performance.now()), TICK_MS);

  async function close(): Promise<void> {
    clearInterval(ticker);
    clearInterval(upkeepTicker);
    unknownCodes.close();
    links.close();
    subscriptions.close();
    publicApp.close();
    adminApp.close();
    journal.tick(true);
    await shared.close();
  }

  async function drainAll(): Promise<void> {
    await drain(peers, config.drainNoticeMs);
    clearInterval(upkeepTicker);
    await shared.close();
    if (peersListening) await lastWords(peersListening, connections);
  }

  try {
    const { host, adminHost, maxSockets } = config;
    const adminPort =
      config.adminPort === undefined
        ? undefined
        : (await listen(uws, adminApp, adminHost, config.adminPort)).port;
    peersListening = await listen(uws, publicApp, host, config.port);
    const { port } = peersListening;
    await upkeep.tick(performance.now());
    log.info({ host, port, adminHost, adminPort, node, maxSockets }, 'listening');
    return { port, adminPort, close, drain: () => (draining ??= drainAll()) };
  } catch (error) {
    await close();
    throw error;
  }
}

function openShared(config: Config, node: NodeId, metrics: Metrics, log: Log, onReturn: () => void): Shared {
  if (!config.redis) return new MemoryCluster().open(node);
  return openRedis(config.redis, node, log, (...operation) => metrics.storeOperation(...operation), onReturn);
}
