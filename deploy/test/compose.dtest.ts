/** The cluster of docker-compose.yml, by the commands of deploy/README.md. Needs a Docker engine, and k6 for one. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { findK6, freePort } from '@wmbp/testkit';
import { NumberedGame } from './numbered-game.ts';
import { blockBelow } from './readme.ts';
import { metricOf, needsDocker, run, until } from './tools.ts';

const PROJECT = `wmbp-test-${process.pid}`;
const IMAGE = `${PROJECT}:image`;
/** Other nodes know by then that one is gone, and have told everybody. */
const LEASES_OVER_MS = 40_000;
/** The gateways' name is asked for again, and their turn to be scraped comes. */
const SCRAPED_MS = 60_000;
const RESTARTS = { code: 1012, reason: 'The server restarts.' };
/** Of the balancer, two for each peer, where the engine lets it have so many. */
const BALANCER_FILES = 64_000;

let env: Readonly<Record<string, string>>;
let url: string;
let game: NumberedGame | undefined;

beforeAll(async () => {
  await needsDocker();
  const port = await freePort();
  url = `ws://127.0.0.1:${port}`;
  env = {
    COMPOSE_PROJECT_NAME: PROJECT,
    WMBP_IMAGE: IMAGE,
    WMBP_PUBLISH: `127.0.0.1:${port}`,
    WMBP_PROMETHEUS_PORT: String(await freePort()),
    // Longer than the balancer takes to see that a gateway drains.
    WMBP_DRAIN_NOTICE_MS: '4000',
  };
  await documented('Docker and Compose');
  // Scrapes while games are played, and is asked later.
  await compose(...MONITORING, '--detach', 'prometheus');
});

afterEach(async () => {
  game?.stop();
  game = undefined;
  if (env === undefined) return;
  await everybodyGone();
});

afterAll(async () => {
  if (env === undefined) return;
  await compose('--profile', 'monitoring', 'down', '--volumes', '--remove-orphans', '--timeout', '1');
  await run('docker', ['image', 'rm', '--force', IMAGE]);
});

async function compose(...args: string[]): Promise<string> {
  return (await run('docker', ['compose', ...args], env)).trim();
}

/** Runs the first commands below this heading of deploy/README.md, as they stand there. */
async function documented(heading: string): Promise<void> {
  const commands = await blockBelow(heading, 'sh');
  console.log(commands);
  await run('sh', ['-euc', commands], env);
}

const MONITORING = ['--profile', 'monitoring', 'up', '--no-recreate'] as const;

/** Of the engine, which answers much faster than compose. */
async function gateways(): Promise<string[]> {
  const labels = [`project=${PROJECT}`, 'service=gateway', 'oneoff=False'];
  const filters = labels.flatMap((label) => ['--filter', `label=com.docker.compose.${label}`]);
  return (await run('docker', ['ps', '--quiet', '--no-trunc', ...filters])).trim().split('\n').toSorted();
}

/** In bash, because to start Node for each look would take longer than the tests. */
const READ_METRICS = [
  'exec 3<> /dev/tcp/127.0.0.1/9081',
  String.raw`printf 'GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n' >&3`,
  'cat <&3',
].join(' && ');

function metrics(gateway: string): Promise<string> {
  return run('docker', ['exec', gateway, 'bash', '-c', READ_METRICS]);
}

async function census(): Promise<ReadonlyMap<string, number>> {
  const counts = (await gateways()).map(async (gateway) => {
    return [gateway, metricOf(await metrics(gateway), 'wmbp_sockets', {})] as const;
  });
  return new Map(await Promise.all(counts));
}

async function everybodyGone(): Promise<void> {
  await until('everybody to be gone', async () =>
    [...(await census()).values()].every((count) => count === 0),
  );
}

function inspect(container: string, format: string): Promise<string> {
  return run('docker', ['inspect', '--format', format, container]).then((text) => text.trim());
}

async function healthy(container: string): Promise<void> {
  const status = '{{.State.Status}} {{.State.Health.Status}}';
  await until('it to be healthy', async () => (await inspect(container, status)) === 'running healthy');
}

/** Of both its outputs. */
function logsOf(container: string): Promise<string> {
  return run('sh', ['-c', `docker logs ${container} 2>&1`]);
}

/** Ends its process as the kernel does for want of memory: nobody told the engine to. */
async function dies(container: string): Promise<void> {
  const kill = `kill -KILL ${await inspect(container, '{{.State.Pid}}')}`;
  const options = ['--rm', '--pid', 'host', '--user', '0', '--network', 'none', '--entrypoint', 'sh'];
  await run('docker', ['run', ...options, IMAGE, '-c', kill]);
}

/** Read-only, without rights, within limits. Returns which of its ports are published, and where. */
async function expectHardened(container: string): Promise<Readonly<Record<string, unknown>>> {
  const { HostConfig, NetworkSettings } = JSON.parse(await inspect(container, '{{json .}}')) as {
    HostConfig: Record<string, unknown>;
    NetworkSettings: { Ports: Record<string, unknown> };
  };
  expect(HostConfig).toMatchObject({
    ReadonlyRootfs: true,
    Privileged: false,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    RestartPolicy: { Name: 'unless-stopped' },
  });
  expect(HostConfig['Memory']).toBeGreaterThan(0);
  expect(HostConfig['NanoCpus']).toBeGreaterThan(0);
  return Object.fromEntries(Object.entries(NetworkSettings.Ports).filter(([, where]) => where));
}

/** A gateway that has players of the game but not its host. */
function withoutHost({ seats, hostGateway }: NumberedGame): string {
  const seat = seats.find(({ gateway }) => gateway !== hostGateway);
  if (!seat) throw new Error('everybody is on one gateway');
  return seat.gateway;
}

test('the cluster comes up healthy, hardened, within limits, and publishes one port', async () => {
  const services = ['redis', 'gateway', 'balancer'];
  const states = await compose('ps', '--all', '--format', '{{.Service}} {{.Health}}', ...services);
  expect(states.split('\n').toSorted()).toEqual([
    'balancer healthy',
    'gateway healthy',
    'gateway healthy',
    'gateway healthy',
    'redis healthy',
  ]);
  const containers = (await compose('ps', '--quiet', ...services)).split('\n');
  const ports = await Promise.all(containers.map(expectHardened));
  expect(Object.assign({}, ...ports)).toEqual({ '8081/tcp': expect.anything() });
});

test('what Redis may take is below the limit of its container, which would end it', async () => {
  const redis = await compose('ps', '--quiet', 'redis');
  const config = (name: string): Promise<string> =>
    run('docker', ['exec', redis, 'redis-cli', 'config', 'get', name]);
  const [stored, clients] = await Promise.all(
    ['maxmemory', 'maxmemory-clients'].map(async (name) => Number((await config(name)).split('\n')[1])),
  );
  expect(stored).toBeGreaterThan(0);
  expect(clients).toBeGreaterThan(0);
  // The rest is for what Redis needs itself, and for memory in pieces.
  const limit = Number(await inspect(redis, '{{.HostConfig.Memory}}'));
  expect((stored ?? 0) + (clients ?? 0)).toBeLessThanOrEqual(0.75 * limit);
});

test('the balancer takes as many peers as the engine lets it, up to the bound of its configuration', async () => {
  const balancer = await compose('ps', '--quiet', 'balancer');
  const most = Number(await run('docker', ['exec', balancer, 'sh', '-c', 'ulimit -Hn']));
  const files = Math.min(BALANCER_FILES, most || BALANCER_FILES);
  // It says so at its start only, when asked to: another one, of the same service.
  const loud = [
    '--entrypoint',
    'haproxy',
    'balancer',
    '-V',
    '-db',
    '-f',
    '/usr/local/etc/haproxy/haproxy.cfg',
  ];
  const name = `${PROJECT}-loud`;
  await compose('run', '--detach', '--no-deps', '--name', name, ...loud);
  let peers = 0;
  await until('the balancer to say how many', async () => {
    peers = Number(/setting global.maxconn to (\d+)/.exec(await logsOf(name))?.[1]);
    return peers > 0;
  });
  await run('docker', ['rm', '--force', name]);
  console.log(`the balancer may have ${most} open files, and takes ${peers} peers`);
  expect(peers).toBeLessThanOrEqual(files / 2);
  expect(peers).toBeGreaterThan(files / 2 - 100);
});

test('a game is played through the balancer, its host and players on different gateways', async () => {
  game = await NumberedGame.open(url, 5, census);
  await game.playsOn();
  const used = new Set([game.hostGateway, ...game.seats.map(({ gateway }) => gateway)]);
  expect(used.size).toBe(3);
  for (const gateway of used) {
    const text = await metrics(gateway);
    expect(metricOf(text, 'wmbp_frames_total', { direction: 'in' })).toBeGreaterThan(0);
    expect(metricOf(text, 'wmbp_link_envelopes_total', { direction: 'out' })).toBeGreaterThan(0);
  }
  expect(game.holes).toEqual([]);
});

test('a party of k6 passes through the balancer, on all gateways', async () => {
  const sizes = ['ROOMS=3', 'PLAYERS=4', 'SECONDS=3', 'RAMP_SECONDS=0', `URL=${url}`];
  // What is tested is whether frames come, not how fast.
  const patience = ['JOIN_P95_MS=8000', 'ROUND_TRIP_P95_MS=8000'];
  const settings = [...sizes, ...patience].flatMap((setting) => ['-e', setting]);
  const framesIn = async (): Promise<number[]> =>
    Promise.all(
      (await gateways()).map(async (gateway) =>
        metricOf(await metrics(gateway), 'wmbp_frames_total', { direction: 'in' }),
      ),
    );
  const before = await framesIn();
  const report = await run(await findK6(), [
    'run',
    '--quiet',
    '--no-usage-report',
    ...settings,
    'deploy/k6/party.ts',
  ]);
  console.log(report);
  expect(report).toContain('lost 0, doubled 0, out of order 0, damaged 0');
  expect(report).toContain('rooms finished 3, rooms unfinished 0, players joined 12');
  const after = await framesIn();
  for (const [index, count] of after.entries()) expect(count).toBeGreaterThan(before[index] ?? Infinity);
});

test('Prometheus finds every gateway by the name they share, and has the rules', async () => {
  await compose(...MONITORING, '--wait', 'prometheus');
  const port = env['WMBP_PROMETHEUS_PORT'];
  const container = await compose('--profile', 'monitoring', 'ps', '--quiet', 'prometheus');
  expect(await expectHardened(container)).toEqual({ '9090/tcp': [{ HostIp: '127.0.0.1', HostPort: port }] });
  const ask = async (what: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${what}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  const value = async (query: string): Promise<number> => {
    const { result } = (await ask(`query?query=${encodeURIComponent(query)}`)) as {
      result: { value: [number, string] }[];
    };
    return Number(result[0]?.value[1]);
  };
  await until('it to scrape all', async () => (await value('sum(up{job="wmbp"})')) === 3, SCRAPED_MS);
  expect(await value('count(up)')).toBe(3);
  await until('frames', async () => (await value('sum(wmbp_frames_total{job="wmbp"})')) > 0, SCRAPED_MS);
  const { groups } = (await ask('rules')) as { groups: { rules: unknown[] }[] };
  const rules = groups.flatMap((group) => group.rules).length;
  expect(rules).toBeGreaterThan(15);
  console.log(`Prometheus: sum(up{job="wmbp"}) is 3; ${rules} rules`);
});

test('the loss of a killed gateway is told to the host, and everybody else plays on without a hole', async () => {
  game = await NumberedGame.open(url, 5, census);
  const victim = withoutHost(game);
  const [gone, others] = [game.seatsOn(victim), game.seatsElsewhere(victim)];
  await game.playsOn();
  await run('docker', ['kill', victim]);
  await game.playsOn(others);
  const { left } = game;
  await until('the host to be told', () => Promise.resolve(left.length >= gone.length), LEASES_OVER_MS);
  await game.playsOn(others);
  expect(left.toSorted((a, b) => a - b)).toEqual(gone.map(({ id }) => id));
  for (const { close } of gone) expect(close?.code).toBe(1006);
  expect(others.map(({ close }) => close)).toEqual(others.map(() => undefined));
  expect(game.holes).toEqual([]);

  // Long ago; and so it stays, until all are brought back below.
  expect(await inspect(victim, '{{.State.Status}}')).toBe('exited');
});

test('a gateway that dies by itself is started again at once', async () => {
  const [victim = ''] = await gateways();
  const startedAt = (): Promise<string> => inspect(victim, '{{.State.StartedAt}}');
  const before = await startedAt();
  await dies(victim);
  await until('it to run again', async () => (await startedAt()) !== before);
  await healthy(victim);
  expect(await inspect(victim, '{{.RestartCount}}')).toBe('1');
  const diedAt = await inspect(victim, '{{.State.FinishedAt}}');
  console.log(`started again ${Date.parse(await startedAt()) - Date.parse(diedAt)} ms after it died`);
});

test('docker compose kill ends all gateways, and up brings them back', async () => {
  await compose('kill', 'gateway');
  const states = await compose('ps', '--all', '--format', '{{.State}}', 'gateway');
  expect(states.split('\n')).toEqual(['exited', 'exited', 'exited']);
  await compose('up', '--no-recreate', '--wait');
  expect(await gateways()).toHaveLength(3);
  await until('the balancer to know all of them', async () => {
    game?.stop();
    await everybodyGone();
    game = await NumberedGame.open(url, 5, census);
    return new Set([game.hostGateway, ...game.seats.map(({ gateway }) => gateway)]).size === 3;
  });
  await game?.playsOn();
  expect(game?.holes).toEqual([]);
});

test('a gateway that is stopped sends its players on and exits with 0; the others play on without a hole', async () => {
  game = await NumberedGame.open(url, 5, census);
  const stopped = withoutHost(game);
  const [sentOn, others] = [game.seatsOn(stopped), game.seatsElsewhere(stopped)];
  await game.playsOn();
  await run('docker', ['stop', '-t', '20', stopped]);
  expect(await inspect(stopped, '{{.State.ExitCode}}')).toBe('0');
  await game.playsOn(others);
  expect(sentOn.map(({ close }) => close)).toEqual(sentOn.map(() => RESTARTS));
  expect(game.left.toSorted((a, b) => a - b)).toEqual(sentOn.map(({ id }) => id));
  expect(game.holes).toEqual([]);
  await run('docker', ['start', stopped]);
  await healthy(stopped);
});

test('a fourth gateway gets peers from the balancer', async () => {
  const three = await gateways();
  await documented('Scaling');
  const four = await gateways();
  expect(four).toHaveLength(4);
  const [added] = four.filter((gateway) => !three.includes(gateway)) as [string];
  // Known to the balancer when its name has been asked again and a check has passed.
  await until(
    'a peer on the new gateway',
    async () => {
      game?.stop();
      await everybodyGone();
      game = await NumberedGame.open(url, 4, census);
      return game.seatsOn(added).length > 0;
    },
    60_000,
  );
  await game?.playsOn();
  expect(game?.holes).toEqual([]);
  game?.stop();
  await compose('up', '--no-recreate', '--wait', '--scale', 'gateway=3');
  expect(await gateways()).toHaveLength(3);
});

test('a restart one by one sends everybody on with 1012, and the relay is there all the time', async () => {
  game = await NumberedGame.open(url, 5, census);
  await game.playsOn();
  const startedAt = (): Promise<string[]> =>
    gateways().then((all) => Promise.all(all.map((gateway) => inspect(gateway, '{{.State.StartedAt}}'))));
  const before = await startedAt();
  let isOver = false;
  const lookUps: string[] = [];
  const lookUp = (): Promise<string> =>
    fetch(url.replace('ws', 'http'), { headers: { connection: 'close' } }).then(
      ({ status }) => String(status),
      (error: Error) => String(error.cause),
    );
  const looking = until(
    'the restart to be over',
    async () => {
      lookUps.push(await lookUp());
      return isOver;
    },
    180_000,
  );
  await documented('Restarting one by one');
  isOver = true;
  await looking;
  expect(lookUps.length).toBeGreaterThan(10);
  expect(new Set(lookUps)).toEqual(new Set(['400']));
  const after = await startedAt();
  expect(after.filter((time) => before.includes(time))).toEqual([]);
  expect([game.hostClose, ...game.seats.map(({ close }) => close)]).toEqual(
    Array.from({ length: 6 }, () => RESTARTS),
  );
  expect(game.holes).toEqual([]);

  game.stop();
  game = await NumberedGame.open(url, 2, census);
  await game.playsOn();
});

test('an upgrade replaces all gateways, and sends everybody on once with 1012 and without a hole', async () => {
  const before = await gateways();
  game = await NumberedGame.open(url, 5, census);
  await game.playsOn();
  await documented('Upgrading');
  await compose('up', '--no-recreate', '--detach', '--wait');
  const after = await gateways();
  expect(after).toHaveLength(3);
  expect(after.filter((gateway) => before.includes(gateway))).toEqual([]);
  expect([game.hostClose, ...game.seats.map(({ close }) => close)]).toEqual(
    Array.from({ length: 6 }, () => RESTARTS),
  );
  expect(game.holes).toEqual([]);

  game.stop();
  game = await NumberedGame.open(url, 2, census);
  await game.playsOn();
  expect(game.holes).toEqual([]);
});
