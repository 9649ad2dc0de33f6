/**
 * Dashboard and alerts against a real Prometheus that scrapes a real cluster under a little load: every query answers,
 * or the panel or rule says why it normally does not; every name is a real one, and every real one is documented.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  promtool,
  ROOT,
  startPrometheus,
  startRedis,
  startServer,
  TestHost,
  TestPeer,
  type Prometheus,
  type ServerProcess,
  type TestRedis,
} from '@wmbp/testkit';

/** What a panel or a rule says that answers nothing while all is well, and why. */
const NORMALLY_EMPTY = /\bNormally empty: \w.{9}/;
/** Panels of what does not happen here. All others have something to show: the load sees to it. */
const NOTHING_TO_SHOW: ReadonlySet<string> = new Set(['Alerts', 'Sent away', 'Operations that failed']);
const SCRAPES = 12;
const TALK_EVERY_MS = 50;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const read = (path: string): Promise<string> => readFile(join(ROOT, 'deploy', path), 'utf8');
const prometheusFile = (name: string): string => join(ROOT, 'deploy/prometheus', name);

let panels: Panel[];
let readme: string;
let unitTests: string;
beforeAll(async () => {
  const dashboard = JSON.parse(await read('grafana/dashboards/wmbp.json')) as { panels: Panel[] };
  panels = dashboard.panels.filter(({ type }) => type !== 'row');
  readme = await read('README.md');
  unitTests = await read('prometheus/alerts.test.yml');
});

describe('promtool', () => {
  test('accepts the scrape configuration and the rules', async () => {
    expect(await promtool(['check', 'config', prometheusFile('prometheus.yml')])).toMatch(/\d+ rules found/);
  });

  test('sees each alert fire when it should, and not fire when it need not', async () => {
    expect(await promtool(['test', 'rules', prometheusFile('alerts.test.yml')])).toContain('SUCCESS');
  });
});

describe('the dashboard', () => {
  test('every panel says what it shows, and is at a place of its own', () => {
    const taken = new Set<string>();
    for (const { title, description, gridPos } of panels) {
      expect([title, description]).toEqual([title, expect.stringMatching(/^[A-Z0-9].{20,}\.$/s)]);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.has(`${x},${y}`)]).toEqual([title, false]);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });

  test('it asks the data source that is provisioned', async () => {
    const [, uid] =
      /^ +uid: (\S+)$/m.exec(await read('grafana/provisioning/datasources/prometheus.yml')) ?? [];
    expect(new Set(panels.map(({ datasource }) => datasource?.uid))).toEqual(new Set([uid]));
  });
});

describe('over a cluster that plays', () => {
  let stage: Stage;
  let rules: Rule[];
  beforeAll(async () => {
    stage = await Stage.open();
    const { groups } = (await stage.prometheus.ask('rules')) as { groups: { rules: Rule[] }[] };
    rules = groups.flatMap((group) => group.rules);
  });
  afterAll(() => stage.close());

  test('every query of every panel answers with data, or the panel says why it normally does not; all that it looks at is there', async () => {
    const wrong: string[] = [];
    for (const { title, description = '', targets = [] } of panels) {
      expect(targets.length).toBeGreaterThan(0);
      const mayBeEmpty = NOTHING_TO_SHOW.has(title) && NORMALLY_EMPTY.test(description);
      for (const { refId, expr } of targets) {
        const answers = await stage.answers(expr);
        if (answers.length === 0 && !mayBeEmpty) wrong.push(`${title} ${refId} shows nothing: ${expr}`);
        for (const selector of selectorsOf(expr)) {
          if ((await stage.samples(selector)) === 0) wrong.push(`${title} ${refId}: there is no ${selector}`);
        }
        for (const label of groupsOf(expr)) {
          if (answers.some((labels) => !labels[label])) wrong.push(`${title} ${refId}: no label ${label}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(panels.map(({ title }) => title)).toEqual(expect.arrayContaining([...NOTHING_TO_SHOW]));
  });

  test('every alert is quiet and says why; all that it looks at is there', async () => {
    const missing: string[] = [];
    for (const { name, query, health, state, annotations } of rules) {
      expect([name, health]).toEqual([name, 'ok']);
      // A machine that does something else as well is late for a moment: that is what `for` is for.
      expect(['inactive', 'pending']).toContain(state);
      expect([name, await stage.comesToRest(query)]).toEqual([name, true]);
      expect([name, annotations['normally']]).toEqual([name, expect.stringMatching(NORMALLY_EMPTY)]);
      for (const selector of selectorsOf(query)) {
        if ((await stage.samples(selector)) === 0) missing.push(`${name}: ${selector}`);
      }
    }
    expect(missing).toEqual([]);
    expect(rules.length).toBeGreaterThan(15);
  });

  test('every alert has a severity, words for people, a section in the runbook, and tests of both kinds', () => {
    const anchors = [...readme.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase());
    const cases = unitTests.split(/(?=- eval_time: )/).slice(1);
    for (const { name, labels, annotations } of rules) {
      expect(['critical', 'warning']).toContain(labels['severity']);
      for (const words of ['summary', 'description']) expect(annotations[words]?.length).toBeGreaterThan(10);
      const [file, anchor] = annotations['runbook']?.split('#') ?? [];
      expect([name, file, anchors.includes(anchor ?? '')]).toEqual([name, 'deploy/README.md', true]);
      const own = cases.filter((text) => new RegExp(`alertname: ${name}\\n`).test(text));
      expect([name, own.some((text) => text.includes('exp_alerts: []'))]).toEqual([name, true]);
      expect([name, own.some((text) => text.includes('exp_labels:'))]).toEqual([name, true]);
    }
  });

  test('every name in panels, rules and README is exposed, and every name of ours that is exposed is in the README', async () => {
    const exposed = new Set(await stage.exposed());
    const asked = [
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...rules.map(({ query }) => query),
    ];
    const documented = new Set([...readme.matchAll(/`(wmbp_\w+)[`{]/g)].map(([, name]) => name));
    const unknown = [...asked.flatMap(namesOf), ...documented].filter(
      (name = '') => !exposed.has(baseOf(name)),
    );
    expect(unknown.filter((name) => name !== 'up' && name !== 'ALERTS')).toEqual([]);
    const ours = [...exposed].filter((name) => name.startsWith('wmbp_'));
    expect(ours.filter((name) => !documented.has(name))).toEqual([]);
    expect(ours.length).toBeGreaterThan(30);
  });
});

/** Two gateways over Redis with a room each, whose players are on both; and a Prometheus that scrapes them. */
class Stage {
  readonly prometheus: Prometheus;
  readonly #redis: TestRedis;
  readonly #servers: readonly ServerProcess[];
  readonly #folder: string;
  readonly #peers: readonly TestPeer[];
  readonly #timer: NodeJS.Timeout;

  private constructor(
    prometheus: Prometheus,
    redis: TestRedis,
    servers: readonly ServerProcess[],
    folder: string,
    peers: readonly TestPeer[],
    timer: NodeJS.Timeout,
  ) {
    this.prometheus = prometheus;
    this.#redis = redis;
    this.#servers = servers;
    this.#folder = folder;
    this.#peers = peers;
    this.#timer = timer;
  }

  static async open(): Promise<Stage> {
    const redis = await startRedis();
    const servers = [
      await startServer({ WMBP_REDIS_URL: redis.url }),
      await startServer({ WMBP_REDIS_URL: redis.url }),
    ];
    const folder = await mkdtemp(join(tmpdir(), 'wmbp-monitoring-'));
    const prometheus = await startPrometheus(await configFile(folder, servers));
    const hosts: TestHost[] = [];
    const players: TestPeer[] = [];
    const codes: string[] = [];
    for (const { port } of servers) {
      const host = await new TestHost(`ws://127.0.0.1:${port}/CREATE`).opened();
      hosts.push(host);
      await host.expect('state');
      codes.push(await host.prepare(8, 'quiz'));
    }
    for (const code of codes) {
      for (const { port } of servers)
        players.push(await new TestPeer(`ws://127.0.0.1:${port}/${code}`).opened());
    }
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
      for (const host of hosts) host.command({ cmd: 'to_str', to: 'all', data: Buffer.from(`${turns}`) });
      for (const player of players) player.send(`${turns}`);
      // Somebody comes and goes each second, finds a room, and mistypes a code.
      if (turns % (1000 / TALK_EVERY_MS) === 0)
        for (const { port } of servers) void passBy(port, codes[0] ?? '');
    }, TALK_EVERY_MS);
    const stage = new Stage(prometheus, redis, servers, folder, [...hosts, ...players], timer);
    await stage.#scraped();
    return stage;
  }

  /** The labels of each sample that the query answers with; the dashboard's variables are filled in. */
  async answers(query: string): Promise<Readonly<Record<string, string>>[]> {
    const asked = query.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '10s');
    const { result } = (await this.prometheus.ask('query', { query: asked })) as {
      result: { metric: Record<string, string> }[];
    };
    return result.map(({ metric }) => metric);
  }

  async samples(query: string): Promise<number> {
    return (await this.answers(query)).length;
  }

  /** Whether the query answers with nothing, soon. */
  async comesToRest(query: string): Promise<boolean> {
    const untilMs = performance.now() + 60_000;
    while ((await this.samples(query)) > 0) {
      if (performance.now() > untilMs) return false;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    return true;
  }

  /** The names of all that a gateway exposes. */
  async exposed(): Promise<string[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#servers[0]?.adminPort}/metrics`);
    return [...(await answer.text()).matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name ?? '');
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const peer of this.#peers) peer.drop();
    await this.prometheus.stop();
    for (const server of this.#servers) server.kill('SIGKILL');
    await Promise.all(this.#servers.map(({ exited }) => exited));
    await this.#redis.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #scraped(): Promise<void> {
    const untilMs = performance.now() + 60_000;
    while ((await this.samples(`count_over_time(up{job="wmbp"}[5m]) >= ${SCRAPES}`)) < this.#servers.length) {
      if (performance.now() > untilMs) throw new Error(`waited a minute in vain for ${SCRAPES} scrapes`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** The shipped file, with the test's gateways in place of the name that DNS knows, and in a hurry. */
async function configFile(folder: string, servers: readonly ServerProcess[]): Promise<string> {
  const shipped = await read('prometheus/prometheus.yml');
  const targets = servers.map(({ adminPort }) => `'127.0.0.1:${adminPort}'`).join(', ');
  const text = shipped
    .replaceAll(/_interval: 15s/g, '_interval: 1s')
    .replace(/dns_sd_configs:\n( {6}.*\n)+/, `static_configs:\n      - targets: [${targets}]\n`)
    .replace('- alerts.yml', `- ${prometheusFile('alerts.yml')}`);
  expect(text).toContain(targets);
  expect(text).not.toContain('dns_sd');
  expect(text).not.toContain('15s');
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, text);
  return file;
}

async function passBy(port: number, code: string): Promise<void> {
  const unknown = code === 'ABCD' ? 'BCDE' : 'ABCD';
  const visitor = await new TestPeer(`ws://127.0.0.1:${port}/${code}`).opened();
  visitor.close(1000);
  new TestPeer(`ws://127.0.0.1:${port}/${unknown}`);
  await Promise.all([code, unknown].map((each) => fetch(`http://127.0.0.1:${port}/${each}`)));
}

/** Metrics with their conditions on labels, without time ranges. */
function selectorsOf(query: string): string[] {
  return [...query.matchAll(/\b(?:wmbp|process|nodejs)_\w+(?:\{[^}]*\})?|\bup\{[^}]*\}/g)].map(
    ([text]) => text,
  );
}

/** Labels that the query groups by. */
function groupsOf(query: string): string[] {
  return [...query.matchAll(/\bby ?\(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/, ?/));
}

function namesOf(query: string): string[] {
  const bare = query.replaceAll(/\{[^}]*\}|\[[^\]]*\]|\b(by|without|ignoring|on) ?\([^)]*\)/g, ' ');
  return [...bare.matchAll(/\b([a-zA-Z]\w*_\w+|up|ALERTS)\b(?! *\()/g)].map(([, name]) => name ?? '');
}

/** Of a histogram or a summary its samples have longer names than itself. */
function baseOf(name: string): string {
  return name.replace(/(?<=_seconds)_(sum|count)$/, '');
}
