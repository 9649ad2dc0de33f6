/** What a node and the others say to each other, and to the store. */
import { type Registry } from 'prom-client';
import { type Metrics } from '../metrics.ts';
import { type Subscriptions } from '../subscriptions.ts';
import { counter, gauge, one } from './series.ts';

export function addClusterSeries(registry: Registry, metrics: Metrics, subscriptions: Subscriptions): void {
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
    one(subscriptions.count),
  );
  gauge(
    registry,
    'wmbp_peer_nodes',
    'Nodes that share rooms with this one; their leases are watched.',
    [],
    () => one(metrics.peerNodes),
  );
  const operations = () => [...metrics.storeOperations.values()];
  const labelsOf = ({ operation, isOk }: { operation: string; isOk: boolean }) => ({
    operation,
    result: isOk ? 'ok' : 'failed',
  });
  counter(registry, 'wmbp_store_operations_total', 'Operations of the store.', ['operation', 'result'], () =>
    operations().map((each) => ({ labels: labelsOf(each), value: each.count })),
  );
  counter(
    registry,
    'wmbp_store_operation_seconds_total',
    'Time these operations took.',
    ['operation', 'result'],
    () => operations().map((each) => ({ labels: labelsOf(each), value: each.totalMs / 1000 })),
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
