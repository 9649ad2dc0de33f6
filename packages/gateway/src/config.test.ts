import { describe, expect, test } from '@jest/globals';
import { helpText, readConfig } from './config.ts';

const DEFAULTS = {
  host: '0.0.0.0',
  port: 8081,
  adminHost: '127.0.0.1',
  adminPort: 9081,
  logLevel: 'info',
  logAddresses: true,
  maxFrameBytes: 8 * 1024 * 1024,
  maxUnsentBytes: 64 * 1024 * 1024,
  maxTotalUnsentBytes: 1024 * 1024 * 1024,
  maxLinkBytes: 256 * 1024 * 1024,
  proxyProtocolFrom: [],
  redis: undefined,
  maxSockets: 10_000,
  maxRooms: 5000,
  idleTimeoutSeconds: 32,
  prepareTimeoutSeconds: 600,
  drainNoticeMs: 10_000,
};

test('without any setting the defaults hold; variables of others are nothing to us', () => {
  expect(readConfig({})).toEqual(DEFAULTS);
  expect(readConfig({ PORT: '1', wmbp_port: '2', PATH: '/bin' })).toEqual(DEFAULTS);
});

test('every setting can be set', () => {
  const env = {
    WMBP_HOST: '::1',
    WMBP_PORT: '0',
    WMBP_ADMIN_HOST: 'localhost',
    WMBP_ADMIN_PORT: '1',
    WMBP_PROXY_PROTOCOL_FROM: '10.0.0.7,fd00::/8',
    WMBP_REDIS_URL: 'redis://redis:6380/2',
    WMBP_MAX_LINK_BYTES: '1048576',
    WMBP_LOG_LEVEL: 'debug',
    WMBP_LOG_ADDRESSES: '0',
    WMBP_MAX_FRAME_BYTES: '2048',
    WMBP_MAX_UNSENT_BYTES: '8192',
    WMBP_MAX_TOTAL_UNSENT_BYTES: '16384',
    WMBP_MAX_SOCKETS: '3',
    WMBP_MAX_ROOMS: '4',
    WMBP_IDLE_TIMEOUT_SECONDS: '8',
    WMBP_PREPARE_TIMEOUT_SECONDS: '5',
    WMBP_DRAIN_NOTICE_MS: '0',
  };
  expect(readConfig(env)).toEqual({
    host: '::1',
    port: 0,
    adminHost: 'localhost',
    adminPort: 1,
    proxyProtocolFrom: [
      { address: '10.0.0.7', prefixBits: 32, family: 'ipv4' },
      { address: 'fd00::', prefixBits: 8, family: 'ipv6' },
    ],
    logLevel: 'debug',
    logAddresses: false,
    maxFrameBytes: 2048,
    maxUnsentBytes: 8192,
    maxTotalUnsentBytes: 16_384,
    maxLinkBytes: 1_048_576,
    redis: {
      kind: 'standalone',
      addresses: [{ host: 'redis', port: 6380 }],
      name: undefined,
      username: undefined,
      password: undefined,
      database: 2,
      isTls: false,
    },
    maxSockets: 3,
    maxRooms: 4,
    idleTimeoutSeconds: 8,
    prepareTimeoutSeconds: 5,
    drainNoticeMs: 0,
  });
});

test('an empty port for operations means no such listener; an empty port for peers is a mistake', () => {
  expect(readConfig({ WMBP_ADMIN_PORT: '' }).adminPort).toBeUndefined();
  expect(() => readConfig({ WMBP_PORT: '' })).toThrow('WMBP_PORT="": expected an integer from 0 to 65535');
});

describe('a mistake says what was expected and what came', () => {
  test.each([
    ['WMBP_PORT', '65536', 'an integer from 0 to 65535'],
    ['WMBP_PORT', '-1', 'an integer from 0 to 65535'],
    ['WMBP_PORT', ' 80', 'an integer from 0 to 65535'],
    ['WMBP_PORT', '80a', 'an integer from 0 to 65535'],
    ['WMBP_PORT', '1e3', 'an integer from 0 to 65535'],
    ['WMBP_PORT', '0x50', 'an integer from 0 to 65535'],
    ['WMBP_PORT', '٨٠', 'an integer from 0 to 65535'],
    ['WMBP_ADMIN_PORT', 'no', 'an integer from 0 to 65535'],
    ['WMBP_HOST', '', 'an address or a host name'],
    ['WMBP_ADMIN_HOST', 'a b', 'an address or a host name'],
    ['WMBP_LOG_LEVEL', 'loud', 'one of trace, debug, info'],
    ['WMBP_MAX_FRAME_BYTES', '10', 'an integer from 1024 to'],
    ['WMBP_MAX_UNSENT_BYTES', '4096', 'at least 33554432, 4 × WMBP_MAX_FRAME_BYTES'],
    ['WMBP_MAX_TOTAL_UNSENT_BYTES', '100000000', 'at least 2 × WMBP_MAX_UNSENT_BYTES'],
    ['WMBP_MAX_SOCKETS', '0', 'an integer from 1 to'],
    ['WMBP_MAX_ROOMS', '456977', 'an integer from 1 to'],
    ['WMBP_IDLE_TIMEOUT_SECONDS', '7', 'an integer from 8 to 960'],
    ['WMBP_PREPARE_TIMEOUT_SECONDS', '0', 'an integer from 1 to'],
    ['WMBP_DRAIN_NOTICE_MS', '9.5', 'an integer from 0 to'],
  ])('%s=%j: expected %s', (name, value, expected) => {
    expect(() => readConfig({ [name]: value })).toThrow(expected);
    expect(() => readConfig({ [name]: value })).toThrow(name);
  });

  test('all of them at once, in one line, whatever is in the values', () => {
    let message = '';
    try {
      readConfig({ WMBP_PORT: 'a\nb', WMBP_PROT: '1', WMBP_REDIS_URL: 'http://x', WMBP_HOST: '\u001B[2J' });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('WMBP_PORT="a\\nb"');
    expect(message).toContain('WMBP_PROT: unknown setting');
    expect(message).toContain('WMBP_REDIS_URL: expected redis[s]://');
    expect(message).toContain('WMBP_HOST');
    expect(message).not.toContain('\n');
    expect(message).not.toContain('\u001B');
  });

  test('what Kubernetes sets for a Service named wmbp says how to be rid of it', () => {
    const env = { WMBP_PORT: 'tcp://10.0.0.1:8081', WMBP_SERVICE_HOST: '10.0.0.1' };
    expect(() => readConfig(env)).toThrow('enableServiceLinks: false');
    expect(() => readConfig(env)).toThrow('WMBP_SERVICE_HOST: unknown setting');
  });
});

test('the help names every setting with its default', () => {
  const rows = new Map(
    [...helpText().matchAll(/^ {2}(WMBP_\w+) +(\S+)/gm)].map(([, name, fallback]) => [name, fallback]),
  );
  expect(Object.fromEntries(rows)).toEqual({
    WMBP_HOST: '0.0.0.0',
    WMBP_PORT: '8081',
    WMBP_ADMIN_HOST: '127.0.0.1',
    WMBP_ADMIN_PORT: '9081',
    WMBP_PROXY_PROTOCOL_FROM: '(empty)',
    WMBP_REDIS_URL: '(empty)',
    WMBP_LOG_LEVEL: 'info',
    WMBP_LOG_ADDRESSES: '1',
    WMBP_MAX_FRAME_BYTES: String(DEFAULTS.maxFrameBytes),
    WMBP_MAX_UNSENT_BYTES: String(DEFAULTS.maxUnsentBytes),
    WMBP_MAX_TOTAL_UNSENT_BYTES: String(DEFAULTS.maxTotalUnsentBytes),
    WMBP_MAX_LINK_BYTES: String(DEFAULTS.maxLinkBytes),
    WMBP_MAX_SOCKETS: '10000',
    WMBP_MAX_ROOMS: '5000',
    WMBP_IDLE_TIMEOUT_SECONDS: '32',
    WMBP_PREPARE_TIMEOUT_SECONDS: '600',
    WMBP_DRAIN_NOTICE_MS: '10000',
  });
});
