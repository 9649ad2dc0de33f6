/**
 * The Redis of the overlays, run in containers as the manifests say, and a gateway that finds it by the URL of the
 * overlay's Secret. Needs kubectl (no cluster) and a Docker engine.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { within } from '@wmbp/testkit';
import { find, podSpec, render, type Manifest, type Overlay, type PodSpec } from './manifests.ts';
import { startPod, type Pod } from './pods.ts';
import { run } from './tools.ts';

const PATIENCE_MS = 60_000;
const ASK_EVERY_MS = 200;
const NAMES = ['redis-0', 'redis-1', 'redis-2'] as const;

const network = `wmbp-${randomUUID().slice(0, 8)}`;
const pods = new Map<string, Pod>();
/** Containers that hold addresses of pods that are gone. */
const squatters: string[] = [];
let manifests: Manifest[] = [];
let redis: PodSpec = { containers: [] };
let image = '';

beforeAll(async () => {
  image = (await run('docker', ['build', '--quiet', '--file', 'deploy/docker/Dockerfile', '.'])).trim();
  await run('docker', ['network', 'create', network]);
});
afterAll(async () => void (await run('docker', ['network', 'rm', network])));

describe('the Redis of the cluster overlay', () => {
  beforeAll(() => use('cluster', 'Deployment'));
  afterAll(killAll);

  test('starts without root, privileges or a writable file system, and is ready by its own probe', async () => {
    await start('redis', 'redis');
    await until('Redis to be ready', () => isReady('redis'));
    print(/redis_version:\S+/.exec(await pod('redis').exec('redis', ['redis-cli', 'info', 'server']))?.[0]);
  });

  test('refuses whoever has no password', async () => {
    const anonymous = ['env', '-u', 'REDISCLI_AUTH', 'redis-cli', 'ping'];
    expect(await pod('redis').exec('redis', anonymous)).toMatch(/NOAUTH/);
  });

  test('lets the user of gateways do nothing else', () => refusesMoreToGateways('redis'));

  test('makes a gateway ready that has the URL of the Secret', async () => {
    await startGateway();
    await untilGatewayIsReady();
  });
});

describe('the Redis of the sentinel overlay', () => {
  let firstAddress = '';
  beforeAll(() => use('sentinel', 'StatefulSet'));
  afterAll(killAll);

  test('comes up with redis-0 as master, though all start at once, and is ready by its own probes', async () => {
    await Promise.all(NAMES.map(startRedis));
    for (const name of NAMES) await until(`${name} to be ready`, () => isReady(name));
    await untilSound('redis-0');
    firstAddress = await addressOf('redis-0');
  });

  test('makes a gateway ready that has the URL of the Secret', async () => {
    await startGateway();
    await untilGatewayIsReady();
  });

  test('lets the user of gateways do nothing else, in any of its pods', async () => {
    for (const name of NAMES) await refusesMoreToGateways(name);
  });

  test('has another master after the machine of the master is lost, and the gateway is ready again', async () => {
    await loseMaster();
  });

  test('takes the lost pod back as a replica, at another address', async () => {
    const master = await masterBy('redis-1');
    await startRedis('redis-0');
    await untilSound(master);
    expect(await addressOf('redis-0')).not.toBe(firstAddress);
  });

  test('keeps its master, and counts no Sentinel twice, while the others are replaced one by one', async () => {
    const master = await masterBy('redis-0');
    for (const name of NAMES.filter((each) => each !== master)) {
      await lose(name);
      await startRedis(name);
      await untilSound(master);
    }
  });

  test('fails over again after all that', async () => {
    const { lost, master } = await loseMaster();
    await startRedis(lost);
    await untilSound(master);
  });

  test('is not ready with a new password while the master has the old one, and the others go on', async () => {
    const master = await masterBy('redis-0');
    const [name = '', other = ''] = NAMES.filter((each) => each !== master);
    changeRedisPassword();
    await lose(name);
    await startRedis(name);
    await until(`${name} to answer`, async () => (await redisCli(name, 'ping')) === 'PONG\n');
    expect(await redisCli(name, 'info', 'replication')).toMatch(/master_link_status:down/);
    expect(await isReady(name)).toBe(false);
    expect(await Promise.all([isReady(master), isReady(other)])).toEqual([true, true]);
    await untilGatewayIsReady();
  });

  test('begins anew with redis-0 and that password when all pods are gone at once, and the gateway is ready again', async () => {
    await Promise.all(NAMES.map(lose));
    await Promise.all(NAMES.map(startRedis));
    await untilSound('redis-0');
    await untilGatewayIsReady();
  });
});

async function use(overlay: Overlay, kind: string): Promise<void> {
  manifests = await render(overlay);
  redis = podSpec(find(manifests, kind, 'redis'));
}

/** For what starts from now on. Gateways have a password of their own. */
function changeRedisPassword(): void {
  const REDIS_PASSWORD = Buffer.from('changed').toString('base64');
  manifests = manifests.map((each) =>
    each.kind === 'Secret' ? { ...each, data: { ...each.data, REDIS_PASSWORD } } : each,
  );
}

async function refusesMoreToGateways(name: string): Promise<void> {
  const cli = 'REDISCLI_AUTH=$GATEWAY_PASSWORD redis-cli --user wmbp';
  const asGateway = (command: string): Promise<string> =>
    pod(name).exec('redis', ['sh', '-c', `${cli} ${command}`]);
  expect(await asGateway('get wmbp:room')).toBe('\n');
  expect(await asGateway('get other')).toMatch(/NOPERM/);
  expect(await asGateway('config get maxmemory')).toMatch(/NOPERM/);
}

async function start(name: string, dnsName: string): Promise<void> {
  pods.set(name, await startPod(name, redis, { manifests, network, dnsName }));
}

function startRedis(name: string): Promise<void> {
  return start(name, `${name}.redis`);
}

async function startGateway(): Promise<void> {
  const spec = podSpec(find(manifests, 'Deployment', 'wmbp'));
  const images = { 'wmbp:local': image };
  pods.set('wmbp', await startPod('wmbp', spec, { manifests, network, dnsName: 'wmbp', images }));
}

async function untilGatewayIsReady(): Promise<void> {
  const ask =
    'fetch("http://127.0.0.1:9081/readyz").then(async (r) => console.log(r.status, await r.text()))';
  await until('the gateway to be ready', async () =>
    (await pod('wmbp').exec('gateway', ['node', '-e', ask])).startsWith('200'),
  );
}

/** By the probes of all its containers; a probe that fails writes nothing but the reason. */
async function isReady(name: string): Promise<boolean> {
  for (const container of redis.containers) {
    const command = container.readinessProbe?.exec?.command;
    if (!command) throw new Error(`${container.name} has no command for a readiness probe`);
    if ((await pod(name).exec(container.name, command)) !== '') return false;
  }
  return true;
}

/** As with its machine. Its address is taken by others, as it may be in a cluster. */
async function lose(name: string): Promise<void> {
  await pod(name).kill();
  const squatter = `${network}-squatter-${squatters.length}`;
  squatters.push(squatter);
  const sleeper = ['--entrypoint', 'sleep', image, 'infinity'];
  await run('docker', ['run', '-d', '--name', squatter, '--network', network, ...sleeper]);
}

/** @returns when there is another master, and the gateway is ready */
async function loseMaster(): Promise<{ lost: string; master: string }> {
  const lost = await masterBy('redis-1');
  const [witness = ''] = NAMES.filter((name) => name !== lost);
  const lostAtMs = performance.now();
  await lose(lost);
  await until('another master', async () => (await masterBy(witness)) !== lost);
  await untilGatewayIsReady();
  const seconds = ((performance.now() - lostAtMs) / 1000).toFixed(1);
  const master = await masterBy(witness);
  print(`${lost} was lost; ${seconds} s later ${master} is the master, and the gateway is ready`);
  return { lost, master };
}

/** All Sentinels name this master and know two replicas and two more of themselves; both replicas have their copy. */
async function untilSound(master: string): Promise<void> {
  for (const name of NAMES) {
    await until(`the Sentinel of ${name} to name ${master}`, async () => (await masterBy(name)) === master);
    await until(`the Sentinel of ${name} to count three`, async () => {
      const state = await sentinel(name, 'master', 'wmbp');
      return field(state, 'num-slaves') === '2' && field(state, 'num-other-sentinels') === '2';
    });
    await until(`${name} to be in step`, async () => {
      const state = await redisCli(name, 'info', 'replication');
      if (name === master) return /role:master/.test(state) && /connected_slaves:2/.test(state);
      return state.includes(`master_host:${master}.redis`) && /master_link_status:up/.test(state);
    });
  }
  print(`${master} is the master; three Sentinels and two replicas know each other by name`);
}

/** What this pod's Sentinel says; its name without the domain. */
async function masterBy(name: string): Promise<string> {
  const answer = await sentinel(name, 'get-master-addr-by-name', 'wmbp');
  return /^(redis-\d)\.redis\n/.exec(answer)?.[1] ?? answer;
}

function sentinel(name: string, ...command: string[]): Promise<string> {
  return pod(name).exec('sentinel', ['redis-cli', '-p', '26379', 'sentinel', ...command]);
}

function redisCli(name: string, ...command: string[]): Promise<string> {
  const cli = ['sh', '-c', 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli "$@"', 'redis-cli', ...command];
  return pod(name).exec('redis', cli);
}

function addressOf(name: string): Promise<string> {
  return pod(name).exec('redis', ['hostname', '-i']);
}

/** Of the names and values in turns that redis-cli prints. */
function field(answer: string, name: string): string | undefined {
  const lines = answer.split('\n');
  return lines[lines.indexOf(name) + 1];
}

function pod(name: string): Pod {
  const found = pods.get(name);
  if (!found) throw new Error(`${name} was not started`);
  return found;
}

async function killAll(): Promise<void> {
  await Promise.all([...pods.values()].map((each) => each.kill()));
  if (squatters.length > 0) await run('docker', ['rm', '--force', ...squatters]);
  pods.clear();
  squatters.length = 0;
}

/** None of them tells when its state changes. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  let isGivenUp = false;
  const asked = async (): Promise<void> => {
    while (!(await isSo()) && !isGivenUp) await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  };
  try {
    await within(what, asked(), PATIENCE_MS);
  } catch (error) {
    isGivenUp = true;
    const logs = await Promise.all([...pods.values()].map((each) => each.logs().catch(String)));
    throw new Error(`${String(error)}\n${logs.join('')}`, { cause: error });
  }
}

function print(text: string | undefined): void {
  process.stdout.write(`  ${text}\n`);
}
