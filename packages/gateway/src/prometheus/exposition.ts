/** A node's numbers in Prometheus' text format. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Hub } from '../hub.ts';
import { type Metrics } from '../metrics.ts';
import { type Pressure } from '../pressure.ts';
import { addClusterSeries, type ClusterReadings } from './cluster-series.ts';
import { addNodeSeries, type NodeReadings } from './node-series.ts';
import { counter, gauge, one, type Reading } from './series.ts';

export interface Exposition {
  readonly contentType: string;
  /** Reads all numbers now. */
  text(): Promise<string>;
}

/** Names and labels are those of deploy/README.md, "Metrics". Label values are never what a peer sent. */
export function exposeMetrics(
  metrics: Metrics,
  hub: Hub,
  pressure: Pressure,
  cluster: ClusterReadings,
  node: NodeReadings,
): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  const roles = [
    { role: 'host', traffic: metrics.host },
    { role: 'player', traffic: metrics.player },
  ];
  const traffic = (inField: 'framesIn' | 'bytesIn', outField: 'framesOut' | 'bytesOut') => (): Reading[] =>
    roles.flatMap(({ role, traffic: of }) => [
      { labels: { peer: role, direction: 'in' }, value: of[inField] },
      { labels: { peer: role, direction: 'out' }, value: of[outField] },
    ]);

  gauge(registry, 'wmbp_sockets', 'Open WebSockets.', ['peer'], () =>
    roles.map(({ role, traffic: of }) => ({ labels: { peer: role }, value: of.sockets })),
  );
  gauge(registry, 'wmbp_rooms', 'Rooms whose host is on this node.', [], () => one(hub.hostCount));
  gauge(registry, 'wmbp_players', 'Admitted players on this node.', [], () => one(hub.playerCount));
  gauge(registry, 'wmbp_unsent_bytes', 'Bytes that peers have not taken yet.', [], () =>
    one(pressure.totalBytes),
  );
  counter(registry, 'wmbp_rooms_opened_total', 'Rooms opened on this node.', [], () =>
    one(metrics.roomsOpened),
  );
  counter(
    registry,
    'wmbp_frames_total',
    'Frames from (in) and to (out) peers.',
    ['peer', 'direction'],
    traffic('framesIn', 'framesOut'),
  );
  counter(
    registry,
    'wmbp_frame_bytes_total',
    'Bytes of these frames.',
    ['peer', 'direction'],
    traffic('bytesIn', 'bytesOut'),
  );
  counter(registry, 'wmbp_invalid_commands_total', 'Frames of hosts that were no command.', [], () =>
    one(metrics.invalidCommands),
  );
  counter(registry, 'wmbp_refusals_total', 'Peers not let in.', ['reason'], () =>
    [...metrics.refusals].map(([reason, value]) => ({ labels: { reason }, value })),
  );
  counter(registry, 'wmbp_expulsions_total', 'Peers sent away by the gateway itself.', ['reason'], () =>
    [...metrics.expulsions].map(([reason, value]) => ({ labels: { reason }, value })),
  );
  counter(
    registry,
    'wmbp_proxy_headers_total',
    'Connections by their PROXY protocol header.',
    ['result'],
    () => Object.entries(metrics.proxyHeaders).map(([result, value]) => ({ labels: { result }, value })),
  );
  counter(registry, 'wmbp_lookups_total', 'GET /CODE by answer.', ['status'], () =>
    [...metrics.lookups].map(([status, value]) => ({ labels: { status: String(status) }, value })),
  );
  counter(
    registry,
    'wmbp_closes_total',
    'Sockets closed, by whom and code; 0 is any other code.',
    ['by', 'code'],
    () =>
      (['server', 'peer'] as const).flatMap((by) =>
        [...metrics.closes[by]].map(([code, value]) => ({ labels: { by, code: String(code) }, value })),
      ),
  );

  addNodeSeries(registry, node);
  addClusterSeries(registry, metrics, cluster);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
