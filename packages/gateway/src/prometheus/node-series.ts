/** How a node is: its bounds, whether it takes peers, what it runs on. Alerts compare with these. */
import { totalmem } from 'node:os';
import { type Registry } from 'prom-client';
import { gauge, one } from './series.ts';

export interface NodeBounds {
  readonly maxSockets: number;
  readonly maxRooms: number;
  readonly maxTotalUnsentBytes: number;
  readonly maxLinkBytes: number;
}

export interface NodeReadings {
  readonly version: string;
  readonly bounds: NodeBounds;
  isReady(): boolean;
  isDraining(): boolean;
  /** `undefined`: rooms are in memory. */
  readonly isRedisReached: (() => boolean) | undefined;
}

export function addNodeSeries(registry: Registry, node: NodeReadings): void {
  const { version, bounds, isRedisReached } = node;
  const asNumber = (isSo: boolean) => one(isSo ? 1 : 0);
  gauge(registry, 'wmbp_build_info', 'Always 1; the version is in the label.', ['version'], () => [
    { labels: { version }, value: 1 },
  ]);
  gauge(registry, 'wmbp_ready', '1 when /readyz says so.', [], () => asNumber(node.isReady()));
  gauge(registry, 'wmbp_draining', '1 from the signal to stop on.', [], () => asNumber(node.isDraining()));
  if (isRedisReached) {
    gauge(registry, 'wmbp_redis_reached', '1 while Redis answers.', [], () => asNumber(isRedisReached()));
  }
  gauge(registry, 'wmbp_max_sockets', 'Sockets let in at most.', [], () => one(bounds.maxSockets));
  gauge(registry, 'wmbp_max_rooms', 'WMBP_MAX_ROOMS.', [], () => one(bounds.maxRooms));
  gauge(registry, 'wmbp_max_unsent_bytes', 'WMBP_MAX_TOTAL_UNSENT_BYTES.', [], () =>
    one(bounds.maxTotalUnsentBytes),
  );
  gauge(registry, 'wmbp_max_link_bytes', 'WMBP_MAX_LINK_BYTES.', [], () => one(bounds.maxLinkBytes));
  gauge(registry, 'wmbp_memory_limit_bytes', 'Of the container, or of the machine.', [], () =>
    one(memoryLimitBytes()),
  );
}

/** Node answers 0 where it knows no bound of a container, and a number beyond any memory where there is none. */
function memoryLimitBytes(): number {
  return Math.min(process.constrainedMemory() || Infinity, totalmem());
}
