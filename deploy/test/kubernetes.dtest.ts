/**
 * deploy/k8s on a real API server. Needs kubectl, and KUBECONFIG of a cluster that may be filled and drained; nodes that
 * run nothing are enough. What containers do is in kubernetes-redis.dtest.ts.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROOT, startServer } from '@wmbp/testkit';
import { keepNodesAlive, kubectl, requireDisposableCluster, watch } from './disposable-cluster.ts';
import { environment, find, only, OVERLAYS, podSpec, render, type Manifest } from './manifests.ts';
import { blockBelow } from './readme.ts';
import { run } from './tools.ts';

/** From closing the first socket to the end of the process (deploy/README.md, "Shutdown"). */
const DRAIN_SECONDS = 5;
const GATEWAYS = 'app.kubernetes.io/component=gateway';
const MIB = 1024 * 1024;

// Without a cluster nothing here can run: one error, not one a test.
print(await requireDisposableCluster());

const letNodesBe = await keepNodesAlive();
afterAll(letNodesBe);

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  const namespace = `wmbp-test-${randomUUID().slice(0, 8)}`;
  const inNamespace = (...args: string[]): Promise<string> => kubectl('--namespace', namespace, ...args);
  let folder = '';
  let manifests: Manifest[] = [];

  /** The overlay in the namespace of this run, with what is to be different. */
  async function kustomize(...lines: string[]): Promise<void> {
    const base = relative(folder, join(ROOT, 'deploy/k8s/overlays', overlay));
    const text = [`namespace: ${namespace}`, `resources: ['${base}']`, ...lines];
    await writeFile(join(folder, 'kustomization.yaml'), text.join('\n'));
  }

  /** Anything that the server warns about is an error. */
  const apply = (...options: string[]): Promise<string> =>
    kubectl('apply', '--warnings-as-errors', ...options, '-k', folder);

  /** States of the Deployment and of what a balancer finds, while `change` rolls out. */
  async function rollOut(change: () => Promise<unknown>): Promise<Rollout> {
    const status =
      '{.status.observedGeneration} {.status.replicas} {.status.updatedReplicas} {.status.availableReplicas}';
    const deployment = await watch(
      '--namespace',
      namespace,
      'deployment/wmbp',
      '-o',
      `jsonpath=${status}{"\\n"}`,
    );
    const ready = '{range .endpoints[*]}{.conditions.ready} {end}{"\\n"}';
    const slices = ['endpointslices', '-l', 'kubernetes.io/service-name=wmbp', '-o', `jsonpath=${ready}`];
    const endpoints = await watch('--namespace', namespace, ...slices);
    const wanted = '{.metadata.name} {.spec.replicas}{"\\n"}';
    const sets = await watch(
      '--namespace',
      namespace,
      'replicasets',
      '-l',
      GATEWAYS,
      '-o',
      `jsonpath=${wanted}`,
    );
    try {
      await change();
      const generation = await inNamespace('get', 'deployment/wmbp', '-o', 'jsonpath={.metadata.generation}');
      const replicas = await inNamespace('get', 'deployment/wmbp', '-o', 'jsonpath={.spec.replicas}');
      const done = [generation, replicas, replicas, replicas].join(' ');
      await deployment.until(`the Deployment to say ${done}`, (line) => line === done);
      const numbers = (field: number): number[] =>
        deployment.seen.map((line) => Number(line.split(' ')[field] ?? 0));
      return {
        most: Math.max(...numbers(1)),
        mostWanted: Math.max(...sumsOf(sets.seen)),
        leastAvailable: Math.min(...numbers(3)),
        leastReady: Math.min(...endpoints.seen.map((line) => line.match(/true/g)?.length ?? 0)),
      };
    } finally {
      await Promise.all([deployment.stop(), endpoints.stop(), sets.stop()]);
    }
  }

  async function places(): Promise<Place[]> {
    const path = 'jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{"\\n"}{end}';
    const lines = (await inNamespace('get', 'pods', '-o', path)).trim().split('\n');
    return lines.map((line) => {
      const [name = '', node = ''] = line.split(' ');
      return { budget: name.startsWith('redis') ? 'redis' : 'wmbp', name, node };
    });
  }

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'wmbp-k8s-')));
    manifests = await render(overlay);
    await kustomize();
  });
  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace, '--ignore-not-found');
    await rm(folder, { recursive: true });
  });

  test('makes a namespace that enforces the Pod Security level restricted', async () => {
    const { metadata } = find(manifests, 'Namespace', 'wmbp');
    expect(metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    });
    const file = join(folder, 'namespace.json');
    const apiVersion = 'v1';
    await writeFile(
      file,
      JSON.stringify({ apiVersion, kind: 'Namespace', metadata: { ...metadata, name: namespace } }),
    );
    await kubectl('apply', '-f', file);
  });

  test('passes a dry run of the server without a warning', async () => {
    const objects = (await apply('--server-side', '--dry-run=server')).trim().split('\n');
    expect(objects).toHaveLength(manifests.length);
    print(`${objects.length} objects accepted: ${objects.map((line) => line.split(' ')[0]).join(', ')}`);
  });

  test('is applied without a warning, and rolls out', async () => {
    await apply();
    for (const { kind, metadata } of manifests) {
      if (kind !== 'Deployment' && kind !== 'StatefulSet') continue;
      const status = await inNamespace('rollout', 'status', `${kind}/${metadata.name}`, '--timeout=120s');
      print(status.trim().split('\n').at(-1));
    }
  });

  test('lists every gateway in each of its Services', async () => {
    const count = overlay === 'single' ? 1 : 3;
    await inNamespace(
      'wait',
      'deployment/wmbp',
      `--for=jsonpath={.status.readyReplicas}=${count}`,
      '--timeout=120s',
    );
    const pods = await inNamespace('get', 'pods', '-l', GATEWAYS, '-o', 'jsonpath={.items[*].status.podIP}');
    expect(pods.split(' ')).toHaveLength(count);
    for (const service of ['wmbp', 'wmbp-nodes', 'wmbp-metrics']) {
      const slice = `kubernetes.io/service-name=${service}`;
      const path = 'jsonpath={.items[*].endpoints[*].addresses[0]}';
      const addresses = await inNamespace('get', 'endpointslices', '-l', slice, '-o', path);
      expect(addresses.split(' ').sort()).toEqual(pods.split(' ').sort());
    }
    print(`wmbp, wmbp-nodes and wmbp-metrics list ${pods}`);
  });

  test('gives the gateway time for preStop, notice and the end before it is killed', () => {
    const { container, spec, env } = gatewayOf(manifests);
    const grace = spec.terminationGracePeriodSeconds ?? 30;
    const preStop = container.lifecycle?.preStop.sleep.seconds ?? 0;
    const notice = Number(env['WMBP_DRAIN_NOTICE_MS']) / 1000;
    print(`${grace} s ≥ preStop ${preStop} s + notice ${notice} s + ${DRAIN_SECONDS} s`);
    expect(grace).toBeGreaterThanOrEqual(preStop + notice + DRAIN_SECONDS);
  });

  test('bounds what is kept for peers and nodes to three quarters of the memory', () => {
    const { container, env } = gatewayOf(manifests);
    const limit = Number(/^(\d+)Gi$/.exec(container.resources.limits.memory)?.[1]) * 1024;
    const kept = (Number(env['WMBP_MAX_TOTAL_UNSENT_BYTES']) + Number(env['WMBP_MAX_LINK_BYTES'])) / MIB;
    print(`${kept} MiB of ${limit} MiB`);
    expect(kept).toBeLessThanOrEqual(0.75 * limit);
  });

  test('sets nothing that the gateway does not list in its help', async () => {
    const { env } = gatewayOf(manifests);
    const help = await run(process.execPath, ['packages/gateway/src/main.ts', '--help']);
    const names = Object.keys(env).filter((name) => name.startsWith('WMBP_'));
    expect(names.filter((name) => !help.includes(`  ${name} `))).toEqual([]);
    expect(names).toContain('WMBP_DRAIN_NOTICE_MS');
    print(names.join(' '));
  });

  test('has settings that the gateway starts with, and probes that it answers', async () => {
    const { container, env } = gatewayOf(manifests);
    const server = await startServer({ ...env, WMBP_REDIS_URL: '' });
    try {
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
        const { path, port } = only([probe?.httpGet].filter((each) => each !== undefined));
        expect(port).toBe('admin');
        const { status } = await fetch(`http://127.0.0.1:${server.adminPort}${path}`);
        expect([path, status]).toEqual([path, 200]);
      }
    } finally {
      server.kill('SIGKILL');
      await server.exited;
    }
  });

  test('has a namespace where a pod with more rights is refused', async () => {
    const refusal = await inNamespace('run', 'intruder', '--image=wmbp:local').catch(String);
    expect(refusal).toMatch(/violates PodSecurity "restricted:latest"/);
    print(refusal.trim().slice(refusal.indexOf('violates')));
  });

  if (overlay === 'single') {
    test('never has two gateways, also while one is replaced', async () => {
      const next = ['set', 'image', 'deployment/wmbp', 'gateway=wmbp:next'];
      const { most } = await rollOut(() => inNamespace(...next));
      print(`pods at once: ${most}`);
      expect(most).toBe(1);
    });
    return;
  }

  test('puts its gateways into three zones', async () => {
    const nodes = await inNamespace(
      'get',
      'pods',
      '-l',
      GATEWAYS,
      '-o',
      'jsonpath={.items[*].spec.nodeName}',
    );
    const zone = 'jsonpath={.items[*].metadata.labels.topology\\.kubernetes\\.io/zone}';
    const zones = await kubectl('get', 'nodes', ...nodes.split(' '), '-o', zone);
    print(`${nodes} in ${zones}`);
    expect(new Set(zones.split(' ')).size).toBe(3);
  });

  test('replaces its image with never fewer than three gateways ready, and one more at most', async () => {
    const next = ['set', 'image', 'deployment/wmbp', 'gateway=wmbp:next'];
    const rollout = await rollOut(() => inNamespace(...next));
    print(
      `at least ${rollout.leastAvailable} available, ${rollout.leastReady} in the Service; at most ${rollout.mostWanted} pods wanted`,
    );
    expect(rollout).toMatchObject({ mostWanted: 4, leastAvailable: 3, leastReady: 3 });
  });

  test('rolls changed settings out in the same way, and leaves the number of pods to the autoscaler', async () => {
    const settings = '{ name: wmbp, behavior: merge, literals: [WMBP_LOG_LEVEL=debug] }';
    await kustomize(`configMapGenerator: [${settings}]`);
    const rollout = await rollOut(() => apply());
    print(
      `at least ${rollout.leastAvailable} available, ${rollout.leastReady} in the Service; at most ${rollout.mostWanted} pods wanted`,
    );
    expect(rollout).toMatchObject({ mostWanted: 4, leastAvailable: 3, leastReady: 3 });
  });

  test('holds the drain of a node back while a pod is missing, and lets it go on when it is back', async () => {
    const budgets = overlay === 'sentinel' ? ['wmbp', 'redis'] : ['wmbp'];
    const before = await places();
    const drained = nodeWithAll(budgets, before);
    const elsewhere = budgets.map((budget) =>
      before.find((each) => each.budget === budget && each.node !== drained),
    );
    const drain = async (timeout: string): Promise<string> => {
      const [command = ''] = (await blockBelow('Drains of nodes', 'sh')).split(' #');
      expect(command).toMatch(/^kubectl drain NODE --/);
      return run('sh', ['-euc', `${command.replace('NODE', drained)} --timeout=${timeout}`]);
    };
    const allowed = async (count: number): Promise<void> => {
      const state = `--for=jsonpath={.status.disruptionsAllowed}=${count}`;
      for (const budget of budgets) await inNamespace('wait', `pdb/${budget}`, state, '--timeout=60s');
    };
    const everyNode = (await kubectl('get', 'nodes', '-o', 'name')).trim().split('\n');
    try {
      await kubectl('cordon', ...everyNode);
      await inNamespace('delete', 'pod', '--wait=false', ...elsewhere.map((each) => each?.name ?? ''));
      await allowed(0);
      const refusal = await drain('5s').catch(String);
      for (const budget of budgets) {
        const held = new RegExp(
          `error when evicting pods/"${budget}-\\S+" -n "${namespace}" .*: Cannot evict pod as it would violate the pod's disruption budget`,
        );
        expect(refusal).toMatch(held);
        print(held.exec(refusal)?.[0]);
      }
      const kept = (await places()).filter(({ node }) => node === drained).map(({ budget }) => budget);
      expect(kept).toEqual(expect.arrayContaining(budgets));

      await kubectl('uncordon', ...everyNode.filter((node) => node !== `node/${drained}`));
      await allowed(1);
      print((await drain('60s')).trim().split('\n').at(-1));
      expect((await places()).map(({ node }) => node)).not.toContain(drained);
      for (const budget of budgets) {
        const kind = budget === 'redis' ? 'statefulset' : 'deployment';
        await inNamespace('rollout', 'status', `${kind}/${budget}`, '--timeout=60s');
      }
    } finally {
      await kubectl('uncordon', ...everyNode);
    }
  });
});

interface Place {
  /** The name of the budget that the pod counts in, if there is one. */
  readonly budget: string;
  readonly name: string;
  readonly node: string;
}

function nodeWithAll(budgets: readonly string[], places: readonly Place[]): string {
  const nodes = [...new Set(places.map(({ node }) => node))];
  const isThere = (budget: string, node: string): boolean =>
    places.some((each) => each.budget === budget && each.node === node);
  const found = nodes.find((node) => budgets.every((budget) => isThere(budget, node)));
  if (found === undefined) throw new Error(`no node has ${budgets.join(' and ')}: ${JSON.stringify(places)}`);
  return found;
}

interface Rollout {
  /** As the Deployment counts them: with such as will be deleted at any moment. */
  readonly most: number;
  /** What `maxSurge` bounds: how many its ReplicaSets are told to have. */
  readonly mostWanted: number;
  readonly leastAvailable: number;
  readonly leastReady: number;
}

/** Of lines `name number` the sum over all names, after each line. */
function sumsOf(lines: readonly string[]): number[] {
  const numbers = new Map<string, number>();
  return lines.map((line) => {
    const [name = '', number] = line.split(' ');
    numbers.set(name, Number(number));
    return [...numbers.values()].reduce((sum, each) => sum + each, 0);
  });
}

function gatewayOf(manifests: readonly Manifest[]) {
  const spec = podSpec(find(manifests, 'Deployment', 'wmbp'));
  const container = only(spec.containers);
  return { spec, container, env: environment(container, manifests) };
}

function print(text: string | undefined): void {
  process.stdout.write(`  ${text}\n`);
}
