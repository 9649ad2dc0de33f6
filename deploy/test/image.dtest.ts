/** The image by itself, one node without Redis. Needs a Docker engine. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestHost, TestPeer } from '@wmbp/testkit';
import { needsDocker, run, until } from './tools.ts';

const NAME = `wmbp-test-image-${process.pid}`;
const UNHEALTHY_MS = 60_000;
/** The best of so many starts counts: a machine that does something else as well is slow for a moment. */
const STARTS = 3;
const START_MS = 2000;
const OWN_BYTES = 25e6;

let isBuilt = false;
/** From the command to the line `listening`, of each start. */
const startsMs: number[] = [];

beforeAll(async () => {
  await needsDocker();
  await run('docker', ['build', '--file', 'deploy/docker/Dockerfile', '--tag', NAME, '.']);
  isBuilt = true;
  const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
  const settings = ['--env', 'WMBP_DRAIN_NOTICE_MS=300'];
  const ports = ['--publish', '127.0.0.1::8081'];
  await run('docker', ['create', '--name', NAME, ...hardened, ...settings, ...ports, NAME]);
  while (startsMs.length < STARTS) {
    if (startsMs.length > 0) await run('docker', ['kill', NAME]);
    const commandedAtMs = Date.now();
    await run('docker', ['start', NAME]);
    await until('the gateway to listen', async () => (await listeningAtMs()).length > startsMs.length);
    startsMs.push(((await listeningAtMs()).at(-1) ?? Infinity) - commandedAtMs);
  }
});

afterAll(async () => {
  if (!isBuilt) return;
  await run('docker', ['rm', '--force', '--volumes', NAME]);
  await run('docker', ['image', 'rm', '--force', NAME]);
});

async function inContainer(command: string): Promise<string> {
  return (await run('docker', ['exec', NAME, 'sh', '-c', command])).trim();
}

async function listeningAtMs(): Promise<number[]> {
  const lines = (await run('docker', ['logs', NAME]))
    .split('\n')
    .filter((line) => line.includes('"listening"'));
  return lines.map((line) => (JSON.parse(line) as { time: number }).time);
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

test('it becomes healthy by its own check, and listens within two seconds of its start', async () => {
  await until('the container to be healthy', () => isHealth('healthy'), UNHEALTHY_MS);
  console.log(`from docker start to listening: ${startsMs.join(', ')} ms`);
  expect(Math.min(...startsMs)).toBeLessThan(START_MS);
});

test('it adds little to its base', async () => {
  const format = '{{.Size}} {{.CreatedBy}}';
  const history = await run('docker', ['history', '--no-trunc', '--human=false', '--format', format, NAME]);
  const layers = history.trim().split('\n');
  const first = layers.findIndex((layer) => layer.includes('rm -rf /usr/local/lib/node_modules'));
  expect(first).toBeGreaterThan(0);
  const bytes = layers.map((layer) => Number.parseInt(layer, 10));
  const sum = (of: readonly number[]): number => of.reduce((total, each) => total + each, 0);
  const [own, base] = [sum(bytes.slice(0, first + 1)), sum(bytes.slice(first + 1))];
  console.log(
    `the relay and what it needs: ${(own / 1e6).toFixed(1)} MB, on ${(base / 1e6).toFixed(0)} MB of its base`,
  );
  expect(own).toBeGreaterThan(1e6);
  expect(own).toBeLessThan(OWN_BYTES);
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
