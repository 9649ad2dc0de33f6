/** Environment → Config: every setting of the gateway, its default and its range. */

import { parseIpRanges, type IpRange } from './ip-ranges.ts';
import { parseRedisUrl, type RedisTarget } from './redis/url.ts';

const MIB = 1024 * 1024;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface Config {
  readonly host: string;
  /** 0 picks a free port; the log says which. */
  readonly port: number;
  readonly adminHost: string;
  /** `undefined`: no listener for operations. */
  readonly adminPort: number | undefined;
  /** Whose PROXY protocol headers are believed. */
  readonly proxyProtocolFrom: readonly IpRange[];
  /** `undefined`: rooms in memory, one node. */
  readonly redis: RedisTarget | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** Of who is turned away for what concerns an address; of nobody else in any case. */
  readonly logAddresses: boolean;
  readonly maxFrameBytes: number;
  readonly maxUnsentBytes: number;
  readonly maxTotalUnsentBytes: number;
  readonly maxLinkBytes: number;
  readonly maxSockets: number;
  readonly maxRooms: number;
  readonly idleTimeoutSeconds: number;
  readonly prepareTimeoutSeconds: number;
  readonly drainNoticeMs: number;
}

interface Setting {
  readonly name: string;
  readonly fallback: string;
  readonly help: string;
}

interface IntegerSetting extends Setting {
  /** The least and the most that it may be. */
  readonly range: readonly [min: number, max: number];
}

/** In the order of the help text. */
const SETTINGS = {
  host: setting('WMBP_HOST', '0.0.0.0', 'address of the public listener'),
  port: integerSetting('WMBP_PORT', '8081', [0, 65_535], 'port of the public listener; 0 picks a free one'),
  adminHost: setting('WMBP_ADMIN_HOST', '127.0.0.1', 'address of the listener for operations'),
  adminPort: integerSetting(
    'WMBP_ADMIN_PORT',
    '9081',
    [0, 65_535],
    '/healthz, /readyz, /metrics; 0 picks a free one, empty: none',
  ),
  proxyProtocolFrom: setting(
    'WMBP_PROXY_PROTOCOL_FROM',
    '',
    'balancers whose PROXY protocol v2 headers are believed: 10.0.0.7,fd00::/8; empty: none',
  ),
  redisUrl: setting(
    'WMBP_REDIS_URL',
    '',
    'redis://…, redis-sentinel://… or redis-cluster://…; empty: rooms in memory, one node',
  ),
  logLevel: setting('WMBP_LOG_LEVEL', 'info', LOG_LEVELS.join(', ')),
  logAddresses: integerSetting(
    'WMBP_LOG_ADDRESSES',
    '1',
    [0, 1],
    '1: the log names addresses that flood or try codes; 0: none',
  ),
  maxFrameBytes: integerSetting(
    'WMBP_MAX_FRAME_BYTES',
    String(8 * MIB),
    [1024, 256 * MIB],
    'largest frame of a peer (close 1009)',
  ),
  maxUnsentBytes: integerSetting(
    'WMBP_MAX_UNSENT_BYTES',
    String(64 * MIB),
    [4096, 4096 * MIB],
    'unsent for one socket (close 4003); at least 4 frames',
  ),
  maxTotalUnsentBytes: integerSetting(
    'WMBP_MAX_TOTAL_UNSENT_BYTES',
    String(1024 * MIB),
    [4096, 1024 * 1024 * MIB],
    'unsent for all sockets together (the largest closes); at least twice the one above',
  ),
  maxLinkBytes: integerSetting(
    'WMBP_MAX_LINK_BYTES',
    String(256 * MIB),
    [MIB, 1024 * 1024 * MIB],
    'kept for other nodes until they have it; beyond, sockets that would miss a frame close (1013)',
  ),
  maxSockets: integerSetting(
    'WMBP_MAX_SOCKETS',
    '10000',
    [1, 1_000_000],
    'open sockets; more are refused (close 1013)',
  ),
  maxRooms: integerSetting(
    'WMBP_MAX_ROOMS',
    '5000',
    [1, 400_000],
    'rooms whose host is on this node (close 1013)',
  ),
  idleTimeoutSeconds: integerSetting(
    'WMBP_IDLE_TIMEOUT_SECONDS',
    '32',
    [8, 960],
    'a socket silent for so long, pongs included, is dropped',
  ),
  prepareTimeoutSeconds: integerSetting(
    'WMBP_PREPARE_TIMEOUT_SECONDS',
    '600',
    [1, 86_400],
    'time for a host to prepare its room (close 4004)',
  ),
  drainNoticeMs: integerSetting(
    'WMBP_DRAIN_NOTICE_MS',
    '10000',
    [0, 3_600_000],
    'from SIGTERM to the first socket closed',
  ),
} satisfies Record<string, Setting | IntegerSetting>;

/**
 * @param env names to values, as `process.env`
 * @throws {Error} one line that names every mistake
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const mistakes: string[] = [];
  const read = ({ name, fallback }: Setting): string => env[name] ?? fallback;

  function integer(of: IntegerSetting): number {
    const [min, max] = of.range;
    const text = read(of);
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    mistakes.push(`${of.name}=${shown(text)}: expected an integer from ${min} to ${max}${linkHint(text)}`);
    return min;
  }

  function address(of: Setting): string {
    const text = read(of);
    if (!/^[\w.:%-]+$/.test(text))
      mistakes.push(`${of.name}=${shown(text)}: expected an address or a host name`);
    return text;
  }

  const known = new Set<string>(Object.values(SETTINGS).map(({ name }) => name));
  for (const name of Object.keys(env)) {
    if (name.startsWith('WMBP_') && !known.has(name)) {
      mistakes.push(`${name}: unknown setting${linkHint(env[name] ?? '')}`);
    }
  }
  const logLevel = LOG_LEVELS.find((level) => level === read(SETTINGS.logLevel));
  if (!logLevel) {
    mistakes.push(
      `WMBP_LOG_LEVEL=${shown(read(SETTINGS.logLevel))}: expected one of ${LOG_LEVELS.join(', ')}`,
    );
  }
  function redis(): RedisTarget | undefined {
    const url = read(SETTINGS.redisUrl);
    if (url === '') return undefined;
    try {
      return parseRedisUrl(url);
    } catch (error) {
      mistakes.push(`WMBP_REDIS_URL: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  function ranges(of: Setting): readonly IpRange[] {
    try {
      return parseIpRanges(read(of));
    } catch (error) {
      mistakes.push(`${of.name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  }

  const config: Config = {
    host: address(SETTINGS.host),
    port: integer(SETTINGS.port),
    adminHost: address(SETTINGS.adminHost),
    adminPort: read(SETTINGS.adminPort) === '' ? undefined : integer(SETTINGS.adminPort),
    proxyProtocolFrom: ranges(SETTINGS.proxyProtocolFrom),
    redis: redis(),
    logLevel: logLevel ?? 'info',
    logAddresses: integer(SETTINGS.logAddresses) === 1,
    maxFrameBytes: integer(SETTINGS.maxFrameBytes),
    maxUnsentBytes: integer(SETTINGS.maxUnsentBytes),
    maxTotalUnsentBytes: integer(SETTINGS.maxTotalUnsentBytes),
    maxLinkBytes: integer(SETTINGS.maxLinkBytes),
    maxSockets: integer(SETTINGS.maxSockets),
    maxRooms: integer(SETTINGS.maxRooms),
    idleTimeoutSeconds: integer(SETTINGS.idleTimeoutSeconds),
    prepareTimeoutSeconds: integer(SETTINGS.prepareTimeoutSeconds),
    drainNoticeMs: integer(SETTINGS.drainNoticeMs),
  };
  // A frame may double on its way to a host, and half of the bound is where a player that floods is sent away.
  const least = 4 * config.maxFrameBytes;
  if (mistakes.length === 0 && config.maxUnsentBytes < least) {
    mistakes.push(
      `WMBP_MAX_UNSENT_BYTES=${config.maxUnsentBytes}: expected at least ${least}, 4 × WMBP_MAX_FRAME_BYTES`,
    );
  }
  if (mistakes.length === 0 && config.maxTotalUnsentBytes < 2 * config.maxUnsentBytes) {
    mistakes.push(
      `WMBP_MAX_TOTAL_UNSENT_BYTES=${config.maxTotalUnsentBytes}: expected at least 2 × WMBP_MAX_UNSENT_BYTES`,
    );
  }
  if (mistakes.length > 0) throw new Error(mistakes.join('; '));
  return config;
}

/** What `--help` prints. */
export function helpText(): string {
  const rows = Object.values(SETTINGS).map((each: Setting | IntegerSetting) => {
    const range = 'range' in each ? ` [${each.range.join(' to ')}]` : '';
    return `  ${each.name.padEnd(30)} ${(each.fallback || '(empty)').padEnd(12)} ${each.help}${range}`;
  });
  return [
    'WMBP: a WebSocket relay for party games.',
    '',
    'Usage: pnpm start [--help]',
    '',
    'Settings are environment variables, integers in the range at the end of the line:',
    `  ${'name'.padEnd(30)} ${'default'.padEnd(12)} meaning`,
    ...rows,
    '',
  ].join('\n');
}

function setting(name: string, fallback: string, help: string): Setting {
  return { name, fallback, help };
}

function integerSetting(
  name: string,
  fallback: string,
  range: IntegerSetting['range'],
  help: string,
): IntegerSetting {
  return { name, fallback, range, help };
}

/** Printable and short, so that a setting cannot forge a line. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

function linkHint(text: string): string {
  const isServiceLink = /^(tcp|udp):\/\//.test(text);
  return isServiceLink
    ? ' (Kubernetes makes such variables for a Service named wmbp: set enableServiceLinks: false)'
    : '';
}
