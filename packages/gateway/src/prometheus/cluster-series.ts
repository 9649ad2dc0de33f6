/** What a node and the others say to each other, and to the store. */
import { type Registry } from 'prom-client';
import { type Metrics, type OperationCount } from '../metrics.ts';
import { type ProbeReadings } from '../shared.ts';
import { counter, gauge, one } from './series.ts';

/** What is read from others when Prometheus asks. */
export interface ClusterReadings {
  readonly subscriptions: { readonly count: number };
  readonly links: { readonly count: number };
  /** What links keep until the other nodes have it. */
  readonly budget: { readonly bytes: number };
  readonly shared: { probes(): ProbeReadings | undefined };
}

export function addClusterSeries(registry: Registry, metrics: Metrics, cluster: ClusterReadings): void {
  const { links } = metrics;
  const both = (out: number, into: number) => [
    { labels: { direction: 'out' }, value: out },
    { labels: { direction: 'in' }, value: into },
  ];
  counter(
    registry,
    'wmbp_link_envelopes_total',
    'Envelopes between nodes; out: publishes.',
    ['direction'],
    () => both(links.envelopesOut, links.envelopesIn),
  );
  counter(registry, 'wmbp_link_bytes_total', 'Bytes of these envelopes.', ['direction'], () =>
    both(links.bytesOut, links.bytesIn),
  );
  counter(registry, 'wmbp_link_items_total', 'Items in envelopes published.', [], () => one(links.itemsOut));
  counter(
    registry,
    'wmbp_links_lost_total',
    'Links whose peers were closed since something was lost.',
    [],
    () => one(links.lost),
  );
  gauge(registry, 'wmbp_subscriptions', 'Rooms whose channel this node hears.', [], () =>
    one(cluster.subscriptions.count),
  );
  gauge(
    registry,
    'wmbp_peer_nodes',
    'Nodes that share rooms with this one; their leases are watched.',
    [],
    () => one(metrics.peerNodes),
  );
  counter(registry, 'wmbp_link_suspicions_total', 'Reasons to send again, by cause.', ['cause'], () =>
    (['asked', 'failed', 'silent'] as const).map((cause) => ({ labels: { cause }, value: links[cause] })),
  );
  counter(registry, 'wmbp_link_resent_items_total', 'Items sent again.', [], () => one(links.resentItems));
  counter(registry, 'wmbp_link_duplicate_items_total', 'Items that had arrived before; dropped.', [], () =>
    one(links.duplicateItems),
  );
  counter(registry, 'wmbp_link_gaps_total', 'Times that something was missing.', [], () => one(links.gaps));
  counter(registry, 'wmbp_link_overflows_total', 'Frames that could not be kept.', [], () =>
    one(links.overflows),
  );
  gauge(registry, 'wmbp_links', 'Links to other nodes, one for each room and node.', [], () =>
    one(cluster.links.count),
  );
  gauge(registry, 'wmbp_link_kept_bytes', 'Kept until other nodes have it.', [], () =>
    one(cluster.budget.bytes),
  );
  const probes = (): ProbeReadings =>
    cluster.shared.probes() ?? { sent: 0, missed: 0, rebuilt: 0, oldestMs: 0 };
  counter(registry, 'wmbp_probes_total', 'Probes of this node to itself, by result.', ['result'], () => [
    { labels: { result: 'sent' }, value: probes().sent },
    { labels: { result: 'missed' }, value: probes().missed },
  ]);
  counter(registry, 'wmbp_subscriber_rebuilds_total', 'Connections given up for being deaf.', [], () =>
    one(probes().rebuilt),
  );
  gauge(registry, 'wmbp_probe_age_seconds', 'Since the quietest subscriptions were heard.', [], () =>
    one(probes().oldestMs / 1000),
  );
  const operations = (valueOf: (of: OperationCount) => number) => () =>
    [...metrics.storeOperations].flatMap(([operation, results]) =>
      (['ok', 'failed'] as const).map((result) => ({
        labels: { operation, result },
        value: valueOf(results[result]),
      })),
    );
  counter(
    registry,
    'wmbp_store_operations_total',
    'Operations of the store.',
    ['operation', 'result'],
    operations(({ count }) => count),
  );
  counter(
    registry,
    'wmbp_store_operation_seconds_total',
    'Time these operations took.',
    ['operation', 'result'],
    operations(({ totalMs }) => totalMs / 1000),
  );
  counter(registry, 'wmbp_assertions_total', 'Rooms whose state was said to the store again.', [], () =>
    one(metrics.assertions),
  );
  counter(registry, 'wmbp_restored_rooms_total', 'Rooms that the store had lost and has again.', [], () =>
    one(metrics.restoredRooms),
  );
  counter(registry, 'wmbp_reaped_players_total', 'Players that left with their node.', [], () =>
    one(metrics.reapedPlayers),
  );
}
