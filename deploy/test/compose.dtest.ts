/** The cluster of docker-compose.yml, by the commands of deploy/README.md. Needs a Docker engine. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '@wmbp/testkit';
import { NumberedGame } from './numbered-game.ts';
import { blockBelow } from './readme.ts';
import { metricOf, needsDocker, run, until } from './tools.ts';

const PROJECT = `wmbp-test-${process.pid}`;
const IMAGE = `${PROJECT}:image`;
/** Other nodes know by then that one is gone, and have told everybody. */
const LEASES_OVER_MS = 40_000;
const RESTARTS = { code: 1012, reason: 'The server restarts.' };

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
    // Longer than the balancer takes to see that a gateway drains.
    WMBP_DRAIN_NOTICE_MS: '4000',
  };
  await documented('Docker and Compose');
});

afterEach(async () => {
  game?.stop();
  game = undefined;
  if (env === undefined) return;
  await until('everybody to be gone', async () =>
    [...(await census()).values()].every((count) => count === 0),
  );
});

afterAll(async () => {
  if (env === undefined) return;
  await compose('down', '--volumes', '--remove-orphans', '--timeout', '1');
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

async function gateways(): Promise<string[]> {
  return (await compose('ps', '--quiet', 'gateway')).split('\n').toSorted();
}

const READ_METRICS = `fetch('http://127.0.0.1:9081/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`;

function metrics(gateway: string): Promise<string> {
  return run('docker', ['exec', gateway, 'node', '-e', READ_METRICS]);
}

async function census(): Promise<ReadonlyMap<string, number>> {
  const counts = (await gateways()).map(async (gateway) => {
    return [gateway, metricOf(await metrics(gateway), 'wmbp_sockets', {})] as const;
  });
  return new Map(await Promise.all(counts));
}

function inspect(container: string, format: string): Promise<string> {
  return run('docker', ['inspect', '--format', format, container]).then((text) => text.trim());
}

async function health(): Promise<string[]> {
  const states = await compose('ps', '--all', '--format', '{{.Service}} {{.Health}}');
  return states.split('\n').toSorted();
}

/** A gateway that has players of the game but not its host. */
function withoutHost({ seats, hostGateway }: NumberedGame): string {
  const seat = seats.find(({ gateway }) => gateway !== hostGateway);
  if (!seat) throw new Error('everybody is on one gateway');
  return seat.gateway;
}

test('the cluster comes up healthy, hardened, within limits, and publishes one port', async () => {
  expect(await health()).toEqual([
    'balancer healthy',
    'gateway healthy',
    'gateway healthy',
    'gateway healthy',
    'redis healthy',
  ]);
  const containers = (await compose('ps', '--quiet')).split('\n');
  for (const container of containers) {
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
    for (const [port, published] of Object.entries(NetworkSettings.Ports)) {
      if (published) expect([port, published]).toEqual(['8081/tcp', expect.anything()]);
    }
  }
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

  expect(await inspect(victim, '{{.State.Status}}')).toBe('exited');
  await compose('up', '--no-recreate', '--wait');
  expect(await gateways()).toContain(victim);
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
  await compose('up', '--no-recreate', '--wait');
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
      await until('everybody to be gone', async () =>
        [...(await census()).values()].every((count) => count === 0),
      );
      game = await NumberedGame.open(url, 4, census);
      return game.seatsOn(added).length > 0;
    },
    60_000,
  );
  await game?.playsOn();
  expect(game?.holes).toEqual([]);
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

test('an upgrade replaces all gateways, and a game is played afterwards', async () => {
  const before = await gateways();
  await documented('Upgrading');
  await compose('up', '--no-recreate', '--detach', '--wait');
  const after = await gateways();
  expect(after).toHaveLength(3);
  expect(after.filter((gateway) => before.includes(gateway))).toEqual([]);
  game = await NumberedGame.open(url, 2, census);
  await game.playsOn();
  expect(game.holes).toEqual([]);
});
