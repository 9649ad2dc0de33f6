/** Each number of a node that others and Redis concern is under its own name. */
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { Metrics } from '../metrics.ts';
import { addClusterSeries } from './cluster-series.ts';

test('every number has a series of its own, with its labels', async () => {
  const metrics = new Metrics();
  const names = Object.keys(metrics.links) as (keyof Metrics['links'])[];
  for (const [index, name] of names.entries()) metrics.links[name] = 100 + index;
  metrics.assertions = 1;
  metrics.restoredRooms = 2;
  metrics.reapedPlayers = 3;
  metrics.peerNodes = 4;
  metrics.storeOperation('join', true, 1500);
  metrics.storeOperation('join', true, 500);
  metrics.storeOperation('join', false, 250);
  const registry = new Registry();
  addClusterSeries(registry, metrics, {
    subscriptions: { count: 5 },
    links: { count: 6 },
    budget: { bytes: 7 },
    shared: { probes: () => ({ sent: 8, missed: 9, rebuilt: 10, oldestMs: 11_000 }) },
  });

  const { links } = metrics;
  expect(samplesOf(await registry.metrics())).toEqual({
    'wmbp_link_envelopes_total{direction="out"}': links.envelopesOut,
    'wmbp_link_envelopes_total{direction="in"}': links.envelopesIn,
    'wmbp_link_bytes_total{direction="out"}': links.bytesOut,
    'wmbp_link_bytes_total{direction="in"}': links.bytesIn,
    wmbp_link_items_total: links.itemsOut,
    wmbp_links_lost_total: links.lost,
    wmbp_subscriptions: 5,
    wmbp_peer_nodes: 4,
    'wmbp_link_suspicions_total{cause="asked"}': links.asked,
    'wmbp_link_suspicions_total{cause="failed"}': links.failed,
    'wmbp_link_suspicions_total{cause="silent"}': links.silent,
    wmbp_link_resent_items_total: links.resentItems,
    wmbp_link_duplicate_items_total: links.duplicateItems,
    wmbp_link_gaps_total: links.gaps,
    wmbp_link_overflows_total: links.overflows,
    wmbp_links: 6,
    wmbp_link_kept_bytes: 7,
    'wmbp_probes_total{result="sent"}': 8,
    'wmbp_probes_total{result="missed"}': 9,
    wmbp_subscriber_rebuilds_total: 10,
    wmbp_probe_age_seconds: 11,
    'wmbp_store_operations_total{operation="join",result="ok"}': 2,
    'wmbp_store_operations_total{operation="join",result="failed"}': 1,
    'wmbp_store_operation_seconds_total{operation="join",result="ok"}': 2,
    'wmbp_store_operation_seconds_total{operation="join",result="failed"}': 0.25,
    wmbp_assertions_total: 1,
    wmbp_restored_rooms_total: 2,
    wmbp_reaped_players_total: 3,
  });
});

function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]),
  );
}
