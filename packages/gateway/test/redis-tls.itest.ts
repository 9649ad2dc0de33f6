/** Redis behind TLS, users, passwords and databases, by nothing but its URL and Node's own list of authorities. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { freePort, makeCertificate, startRedisProcess } from '@wmbp/testkit';
import { asking, atOnce, eventually, Processes } from './processes.ts';
import { expectWhole, HostWatch, PlayerWatch } from './watches.ts';

const PASSWORD = 'p@ss/w:rd';
const ENCODED = encodeURIComponent(PASSWORD);
const USER = ['--user', 'party', 'on', `>${PASSWORD}`, '~*', '&*', '+@all'];

atOnce({
  'rediss:// with a user, a password, a database and an authority of NODE_EXTRA_CA_CERTS': async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wmbp-tls-'));
    const { certificate, key } = await makeCertificate(folder);
    const port = await freePort();
    const tls = ['--tls-port', String(port), '--tls-cert-file', certificate, '--tls-key-file', key];
    const redis = await startRedisProcess([
      ...tls,
      '--tls-ca-cert-file',
      certificate,
      '--tls-auth-clients',
      'no',
      ...USER,
    ]);
    const url = `rediss://party:${ENCODED}@127.0.0.1:${port}/2`;
    try {
      await Processes.play(2, url, plays, { NODE_EXTRA_CA_CERTS: certificate });
      await expectKeysIn(redis.port, 2);
      await Processes.play(1, url, async (nodes) => {
        expect(await nodes.probe(0, '/readyz')).toMatch(/^503 \w+/);
        expect((await nodes.server(0).logged('redis is out of reach'))['reason']).toMatch(
          /self-signed certificate/,
        );
        expect(nodes.failures).toEqual([]);
      });
    } finally {
      await redis.stop();
      await rm(folder, { recursive: true });
    }
  },

  'redis:// with a user, a password and a database': async () => {
    const redis = await startRedisProcess(USER);
    try {
      await Processes.play(2, `redis://party:${ENCODED}@127.0.0.1:${redis.port}/3`, plays);
      await expectKeysIn(redis.port, 3);
    } finally {
      await redis.stop();
    }
  },

  'redis:// with a password alone': async () => {
    const redis = await startRedisProcess(['--requirepass', PASSWORD]);
    try {
      await Processes.play(2, `redis://:${ENCODED}@127.0.0.1:${redis.port}`, plays);
    } finally {
      await redis.stop();
    }
  },

  'a wrong password: unready, a log line that says why and holds no password, and ready when it is right':
    async () => {
      const redis = await startRedisProcess(USER);
      try {
        await Processes.play(1, `redis://party:wrong-secret@127.0.0.1:${redis.port}`, async (nodes) => {
          const line = await nodes.server(0).logged('redis is out of reach');
          expect(line['reason']).toMatch(/WRONGPASS/);
          expect(await nodes.probe(0, '/readyz')).toMatch(/^503 \w+/);
          expect(await nodes.probe(0, '/healthz')).toBe('200 ok');
          expect(await nodes.lookUp(0, 'ABCD')).toBe('503');
          await asking(redis.url, (client) => client.call('ACL', 'SETUSER', 'party', '>wrong-secret'));
          const isReady = async (): Promise<boolean> => (await nodes.probe(0, '/readyz')).startsWith('200');
          await eventually('the gateway to be ready', isReady, 15_000);
          await nodes.room(0, 1);
          expect(JSON.stringify(nodes.server(0).log)).not.toContain('wrong-secret');
          expect(nodes.failures).toEqual([]);
        });
      } finally {
        await redis.stop();
      }
    },
});

async function plays(nodes: Processes): Promise<void> {
  const { host, code } = await nodes.room(0, 2, 'quiz');
  const { player, id } = await nodes.joined(1, host, code);
  const hostSees = new HostWatch(host);
  const playerSees = new PlayerWatch(player);
  nodes.talk(host);
  nodes.talk(player);
  await Promise.all([hostSees.hearsMore(id), playerSees.hearsMore()]);
  expect(await nodes.lookUp(1, code)).toBe('200 quiz');
  expectWhole(hostSees, playerSees);
  expect(nodes.failures).toEqual([]);
}

/** The user of old may look everywhere. */
async function expectKeysIn(port: number, database: number): Promise<void> {
  await asking(`redis://127.0.0.1:${port}/${database}`, async (client) => {
    expect((await client.keys('wmbp:*')).length).toBeGreaterThan(0);
    await client.select(0);
    expect(await client.keys('*')).toEqual([]);
  });
}
