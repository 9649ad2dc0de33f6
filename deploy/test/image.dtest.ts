/** The image by itself, one node without Redis. Needs a Docker engine. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestHost, TestPeer } from '@wmbp/testkit';
import { needsDocker, run, until } from './tools.ts';

const NAME = `wmbp-test-image-${process.pid}`;
const UNHEALTHY_MS = 60_000;

let isBuilt = false;

beforeAll(async () => {
  await needsDocker();
  await run('docker', ['build', '--file', 'deploy/docker/Dockerfile', '--tag', NAME, '.']);
  isBuilt = true;
  const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  const settings = ['--env', 'WMBP_DRAIN_NOTICE_MS=300'];
  const ports = ['--publish', '127.0.0.1::8081'];
  await run('docker', ['run', '--detach', '--name', NAME, ...hardened, ...settings, ...ports, NAME]);
});

afterAll(async () => {
  if (!isBuilt) return;
  await run('docker', ['rm', '--force', '--volumes', NAME]);
  await run('docker', ['image', 'rm', '--force', NAME]);
});

async function inContainer(command: string): Promise<string> {
  return (await run('docker', ['exec', NAME, 'sh', '-c', command])).trim();
}

async function inspect(format: string): Promise<string> {
  return (await run('docker', ['inspect', '--format', format, NAME])).trim();
}

async function isHealth(status: string): Promise<boolean> {
  return (await inspect('{{.State.Health.Status}}')) === status;
}

async function address(): Promise<string> {
  return `ws://${(await run('docker', ['port', NAME, '8081/tcp'])).trim()}`;
}

test('it becomes healthy by its own check, soon after its start', async () => {
  await until('the container to be healthy', () => isHealth('healthy'), UNHEALTHY_MS);
  const log = await run('docker', ['logs', NAME]);
  const listening = JSON.parse(log.split('\n').find((line) => line.includes('"listening"')) ?? '') as {
    time: number;
  };
  const startedAtMs = Date.parse(await inspect('{{.State.StartedAt}}'));
  const bytes = Number(await run('docker', ['image', 'inspect', '--format', '{{.Size}}', NAME]));
  console.log(
    `listening ${listening.time - startedAtMs} ms after the start; the image has ${Math.round(bytes / 1e6)} MB`,
  );
  expect(listening.time - startedAtMs).toBeLessThan(10_000);
});

test('node is process 1, not root, without capabilities, and cannot write', async () => {
  expect(await inContainer('readlink /proc/1/exe')).toBe('/usr/local/bin/node');
  expect(await inContainer('id -u')).toBe('1000');
  expect(await inContainer('grep CapEff /proc/1/status')).toMatch(/\t0+$/);
  await expect(inContainer('touch /app/x')).rejects.toThrow('Read-only file system');
});

test('files of the relay belong to root: its user could not change them on a writable file system either', async () => {
  expect(await inContainer('find /app ! -user root -o -perm -o+w ! -type l | head')).toBe('');
});

test('nothing in it builds or installs, and nothing of ours is in it that does not run', async () => {
  const tools = 'npm npx pnpm yarn corepack gcc g++ cc make python3 git curl';
  expect(await inContainer(`for tool in ${tools}; do command -v $tool; done; true`)).toBe('');
  expect(await inContainer("find /app/packages -name '*test.ts' | head")).toBe('');
  expect(
    await inContainer('ls /app/node_modules/.pnpm | grep -E "^(jest|typescript|oxlint|node-linux)" || true'),
  ).toBe('');
  expect(await inContainer('ls /app/node_modules/.pnpm | grep -c "^@uwsjs+linux"')).toBe('1');
});

test('a game is played on it', async () => {
  const url = await address();
  const host = new TestHost(`${url}/CREATE`);
  await host.opened();
  const player = await new TestPeer(`${url}/${await host.prepare(1)}`).opened();
  const { player: id } = await host.expect('player_joined');
  player.send('hello');
  await host.expect('state');
  expect(await host.expect('from_str')).toEqual({ cmd: 'from_str', from: id, data: 'hello' });
  host.command({ cmd: 'to_str', to: [id], data: Buffer.from('welcome') });
  expect(await player.nextText()).toBe('welcome');
  host.drop();
  expect((await player.closed()).code).toBe(1001);
});

test('a process that hangs is unhealthy, and healthy when it turns again', async () => {
  await run('docker', ['kill', '--signal', 'STOP', NAME]);
  await until('the container to be unhealthy', () => isHealth('unhealthy'), UNHEALTHY_MS);
  await run('docker', ['kill', '--signal', 'CONT', NAME]);
  await until('the container to be healthy', () => isHealth('healthy'), UNHEALTHY_MS);
});

test('a stop drains: the host is told, everybody is closed with 1012, the exit code is 0', async () => {
  const url = await address();
  const host = new TestHost(`${url}/CREATE`);
  await host.opened();
  const player = await new TestPeer(`${url}/${await host.prepare(1)}`).opened();
  await host.expect('player_joined');
  await host.expect('state');
  const stopping = run('docker', ['stop', '-t', '30', NAME]);
  await host.expect('stop');
  expect((await host.closed()).code).toBe(1012);
  expect((await player.closed()).code).toBe(1012);
  await stopping;
  expect(await inspect('{{.State.ExitCode}} {{.State.OOMKilled}}')).toBe('0 false');
  expect(await run('docker', ['logs', NAME])).toContain('"exitCode":0,"msg":"stopped"');
});
