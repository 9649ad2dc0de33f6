/** WMBP_REDIS_URL: which Redis, in which of its forms. */

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisTarget {
  /** `sentinel`: the master of the group `name`, asked of the addresses. `cluster`: reached through them. */
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  readonly addresses: readonly RedisAddress[];
  readonly name: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

const SCHEMES: Readonly<Record<string, Pick<RedisTarget, 'kind' | 'isTls'>>> = {
  redis: { kind: 'standalone', isTls: false },
  rediss: { kind: 'standalone', isTls: true },
  'redis-sentinel': { kind: 'sentinel', isTls: false },
  'rediss-sentinel': { kind: 'sentinel', isTls: true },
  'redis-cluster': { kind: 'cluster', isTls: false },
  'rediss-cluster': { kind: 'cluster', isTls: true },
};
const DEFAULT_PORT = { standalone: 6379, sentinel: 26_379, cluster: 6379 } as const;
const FORMS =
  'expected redis[s]://[user:password@]host[:port][/database], redis[s]-sentinel://[user:password@]a:26379,b:26379/group' +
  ' or redis[s]-cluster://[user:password@]a:7001,b:7002';
const URL_PARTS = /^([a-z-]+):\/\/(?:([^@/]*)@)?([^@/]+)(?:\/([^/]*))?$/;

/** @throws {Error} that says which forms there are; it holds nothing of the URL, which may carry a password */
export function parseRedisUrl(url: string): RedisTarget {
  const [, scheme = '', credentials, hosts = '', path = ''] = URL_PARTS.exec(url) ?? [];
  const form = SCHEMES[scheme];
  if (!form) throw new Error(FORMS);
  const addresses = hosts.split(',').map((text) => parseAddress(text, DEFAULT_PORT[form.kind]));
  const [username, password] = parseCredentials(credentials);
  if (form.kind === 'standalone' && addresses.length > 1) throw new Error(`one host, ${FORMS}`);
  if (form.kind === 'sentinel' && path === '') throw new Error(`the name of the group, ${FORMS}`);
  if (form.kind === 'cluster' && path !== '' && path !== '0') {
    throw new Error('a Redis Cluster has no databases; expected no path');
  }
  const isDatabase = form.kind === 'standalone' && path !== '';
  if (isDatabase && !/^\d{1,5}$/.test(path)) throw new Error(`the number of a database, ${FORMS}`);
  return {
    ...form,
    addresses,
    name: form.kind === 'sentinel' ? decodeURIComponent(path) : undefined,
    username,
    password,
    database: isDatabase ? Number(path) : 0,
  };
}

function parseAddress(text: string, defaultPort: number): RedisAddress {
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === undefined || Number(port ?? defaultPort) > 65_535) throw new Error(FORMS);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) };
}

/** `user:password`, `:password` or nothing; percent-encoded. */
function parseCredentials(text: string | undefined): [string | undefined, string | undefined] {
  if (text === undefined || text === '') return [undefined, undefined];
  const colon = text.indexOf(':');
  if (colon < 0) return [decodeURIComponent(text), undefined];
  const username = decodeURIComponent(text.slice(0, colon));
  return [username === '' ? undefined : username, decodeURIComponent(text.slice(colon + 1))];
}
