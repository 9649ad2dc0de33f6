/** What `pnpm bench cluster` measures. */

export interface ClusterScenario {
  readonly name: string;
  readonly what: string;
  /**
   * - `crossing`: cluster, raw relay, one node, nodes apart and raw pub/sub, as fast as they can.
   * - `latency`: the same at a fixed rate, without nodes apart.
   * - `openings`: one node and cluster.
   * - `growth`: the cluster with few rooms and with many.
   * - `creates`: three nodes, alone.
   */
  readonly kind: 'crossing' | 'latency' | 'openings' | 'growth' | 'creates';
  /** The load's scenario. */
  readonly load: string;
  readonly players: number;
  /** Frames that arrive for each one that crosses. */
  readonly deliveriesPerItem: number;
}

export const CLUSTER_SCENARIOS: readonly ClusterScenario[] = [
  crossing('fan-in', 'players → host on another node', 1),
  crossing('unicast', 'host → one player each', 1),
  crossing('broadcast-8', 'host → all 8 players', 8),
  {
    name: 'latency',
    what: 'player → host → same player at a fixed rate',
    kind: 'latency',
    load: 'echo-latency',
    players: 8,
    deliveriesPerItem: 1,
  },
  {
    name: 'openings',
    what: 'create a room, eight join',
    kind: 'openings',
    load: 'openings',
    players: 8,
    deliveriesPerItem: 1,
  },
  {
    name: 'rooms',
    what: 'fan-in in 100 rooms at a time, of 100 and of many, whose turns are long or short',
    kind: 'growth',
    load: 'rooms',
    players: 2,
    deliveriesPerItem: 1,
  },
  {
    name: 'creates',
    what: 'rooms asked for at once on three nodes: every code once',
    kind: 'creates',
    load: 'creates',
    players: 8,
    deliveriesPerItem: 1,
  },
];

function crossing(name: string, what: string, deliveriesPerItem: number): ClusterScenario {
  return { name, what, kind: 'crossing', load: name, players: 8, deliveriesPerItem };
}
