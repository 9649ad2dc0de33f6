/** A node's numbers in Prometheus' text format. */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { type Hub } from '../hub.ts';
import { type Metrics } from '../metrics.ts';
import { type Pressure } from '../pressure.ts';

interface Reading {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Exposition {
  readonly contentType: string;
  /** Reads all numbers now. */
  text(): Promise<string>;
}

/** Names and labels are those of deploy/README.md, "Metrics". Label values are never what a peer sent. */
export function exposeMetrics(metrics: Metrics, hub: Hub, pressure: Pressure): Exposition {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  function gauge(name: string, help: string, labelNames: string[], read: () => Reading[]): void {
    const collected = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => {
        for (const { labels, value } of read()) collected.set(labels, value);
      },
    });
  }

  function counter(name: string, help: string, labelNames: string[], read: () => Reading[]): void {
    const collected = new Counter({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: () => {
        collected.reset();
        for (const { labels, value } of read()) collected.inc(labels, value);
      },
    });
  }

  const one = (value: number): Reading[] => [{ labels: {}, value }];
  const roles = [
    { role: 'host', traffic: metrics.host },
    { role: 'player', traffic: metrics.player },
  ];
  const traffic = (inField: 'framesIn' | 'bytesIn', outField: 'framesOut' | 'bytesOut') => (): Reading[] =>
    roles.flatMap(({ role, traffic: of }) => [
      { labels: { peer: role, direction: 'in' }, value: of[inField] },
      { labels: { peer: role, direction: 'out' }, value: of[outField] },
    ]);

  gauge('wmbp_sockets', 'Open WebSockets.', ['peer'], () =>
    roles.map(({ role, traffic: of }) => ({ labels: { peer: role }, value: of.sockets })),
  );
  gauge('wmbp_rooms', 'Rooms whose host is on this node.', [], () => one(hub.hostCount));
  gauge('wmbp_players', 'Admitted players on this node.', [], () => one(hub.playerCount));
  gauge('wmbp_unsent_bytes', 'Bytes that peers have not taken yet.', [], () => one(pressure.totalBytes));
  counter('wmbp_rooms_opened_total', 'Rooms opened on this node.', [], () => one(metrics.roomsOpened));
  counter(
    'wmbp_frames_total',
    'Frames from (in) and to (out) peers.',
    ['peer', 'direction'],
    traffic('framesIn', 'framesOut'),
  );
  counter(
    'wmbp_frame_bytes_total',
    'Bytes of these frames.',
    ['peer', 'direction'],
    traffic('bytesIn', 'bytesOut'),
  );
  counter('wmbp_invalid_commands_total', 'Frames of hosts that were no command.', [], () =>
    one(metrics.invalidCommands),
  );
  counter('wmbp_refusals_total', 'Peers not let in.', ['reason'], () =>
    [...metrics.refusals].map(([reason, value]) => ({ labels: { reason }, value })),
  );
  counter('wmbp_lookups_total', 'GET /CODE by answer.', ['status'], () =>
    [...metrics.lookups].map(([status, value]) => ({ labels: { status: String(status) }, value })),
  );
  counter('wmbp_closes_total', 'Sockets closed, by whom and code; 0 is any other code.', ['by', 'code'], () =>
    (['server', 'peer'] as const).flatMap((by) =>
      [...metrics.closes[by]].map(([code, value]) => ({ labels: { by, code: String(code) }, value })),
    ),
  );

  return { contentType: registry.contentType, text: () => registry.metrics() };
}
