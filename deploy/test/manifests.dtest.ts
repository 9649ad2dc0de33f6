/** What the overlays of deploy/k8s say, and the examples beside them. Needs kubectl; no cluster is asked. */
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROOT } from '@wmbp/testkit';
import {
  environment,
  find,
  only,
  overlayPath,
  OVERLAYS,
  parse,
  podSpec,
  render,
  renderFolder,
  type Labels,
  type Manifest,
} from './manifests.ts';
import { blockBelow } from './readme.ts';

const GATEWAY = { 'app.kubernetes.io/name': 'wmbp', 'app.kubernetes.io/component': 'gateway' };
const REDIS = { ...GATEWAY, 'app.kubernetes.io/component': 'redis' };
const MONITORING = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } };
const DNS = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
  podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
};

let folder = '';
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'wmbp-overlays-')));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  let manifests: Manifest[] = [];
  beforeAll(async () => {
    manifests = await render(overlay);
  });

  test('gives its pods no rights, no names of Services in their environment, and memory that is theirs', () => {
    const pods = workloads(manifests);
    for (const { metadata } of pods) print(`${metadata.name} is hardened and bounded`);
    expect(pods).toHaveLength(overlay === 'single' ? 1 : 2);
    for (const spec of pods.map(podSpec)) {
      expect(spec).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: expect.any(Number),
          seccompProfile: { type: 'RuntimeDefault' },
        },
      });
      for (const { securityContext, resources } of spec.containers) {
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        const { memory } = resources.limits;
        expect(resources).toEqual({ requests: { cpu: expect.any(String), memory }, limits: { memory } });
      }
    }
  });

  test('spreads what there are several of over zones and machines, as a wish', () => {
    for (const workload of workloads(manifests)) {
      const isOne = workload.metadata.name === 'redis' && overlay === 'cluster';
      const wish = (topologyKey: string): object => ({
        topologyKey,
        maxSkew: 1,
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labelsOf(workload) },
      });
      const wishes = [wish('topology.kubernetes.io/zone'), wish('kubernetes.io/hostname')];
      expect(podSpec(workload).topologySpreadConstraints ?? []).toMatchObject(isOne ? [] : wishes);
    }
  });

  test('replaces gateways without a gap where there are several, and never has two where there is one', () => {
    const steps = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
    const { spec } = find(manifests, 'Deployment', 'wmbp');
    expect([spec?.['replicas'], spec?.['strategy']]).toEqual(
      overlay === 'single' ? [1, { type: 'Recreate' }] : [undefined, steps],
    );
  });

  test('has the Services that peers, balancers and Prometheus use', () => {
    const specs = Object.fromEntries(
      ['wmbp', 'wmbp-nodes', 'wmbp-metrics'].map((name) => [name, find(manifests, 'Service', name).spec]),
    );
    const selector = GATEWAY;
    const peers = { name: 'peers', port: 8081, targetPort: 'peers' };
    const admin = { name: 'admin', port: 9081, targetPort: 'admin' };
    expect(specs).toEqual({
      wmbp: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector, ports: [peers] },
      'wmbp-nodes': { clusterIP: 'None', selector, ports: [peers, admin] },
      'wmbp-metrics': {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector,
        ports: [{ ...admin, name: 'metrics' }],
      },
    });
  });

  test('lets drains take one at a time of what there are several of, and a gateway that is not ready always', () => {
    const gateways = {
      maxUnavailable: 1,
      selector: { matchLabels: GATEWAY },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    };
    const redis = { maxUnavailable: 1, selector: { matchLabels: REDIS } };
    const expected = { single: {}, cluster: { wmbp: gateways }, sentinel: { wmbp: gateways, redis } };
    expect(specsOf(manifests, 'PodDisruptionBudget')).toEqual(expected[overlay]);
  });

  test('scales by the CPU of gateways where there are several, and down slowly', () => {
    const autoscaler = {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'wmbp' },
      minReplicas: 3,
      maxReplicas: 12,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'AverageValue', averageValue: '600m' } },
        },
      ],
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 30,
          policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }],
        },
        scaleDown: {
          stabilizationWindowSeconds: 1800,
          policies: [{ type: 'Pods', value: 1, periodSeconds: 600 }],
        },
      },
    };
    const expected = overlay === 'single' ? {} : { wmbp: autoscaler };
    expect(specsOf(manifests, 'HorizontalPodAutoscaler')).toEqual(expected);
  });

  test('lets everybody to the port for peers, and Prometheus alone to that for operators', () => {
    const { ingress } = policy(manifests, 'wmbp');
    const toEverybody = ingress.filter((rule) => !rule.from?.length);
    expect(toEverybody.flatMap((rule) => portsOf(rule, manifests, GATEWAY))).toEqual([8081]);
    const toOperators = ingress.filter((rule) => portsOf(rule, manifests, GATEWAY).includes(9081));
    expect(toOperators.flatMap((rule) => rule.from ?? [])).toEqual([MONITORING]);
  });

  test('opens to gateways the ports that the URL of their Redis needs, at both ends, and no other', () => {
    const { egress } = policy(manifests, 'wmbp');
    if (overlay === 'single') {
      expect(egress).toEqual([]);
      return;
    }
    const gateway = only(podSpec(find(manifests, 'Deployment', 'wmbp')).containers);
    const url = environment(gateway, manifests)['WMBP_REDIS_URL'] ?? '';
    const inUrl = [...url.matchAll(/:(\d+)(?=[,/]|$)/g)].map(([, port]) => Number(port));
    // Sentinels name a Redis, by its usual port.
    const needed = [...new Set([6379, ...inUrl])].toSorted(byNumber);
    print(`${url} takes ${needed.join(' and ')}`);
    const redis = { podSelector: { matchLabels: REDIS } };
    const opened = (rules: readonly Rule[], peer: Peer): number[] =>
      rules
        .filter((rule) => [...(rule.from ?? []), ...(rule.to ?? [])].some((each) => isSame(each, peer)))
        .flatMap((rule) => portsOf(rule, manifests, REDIS))
        .toSorted(byNumber);
    expect(egress.map(({ to }) => to)).toEqual([[DNS], [redis]]);
    expect(opened(egress, redis)).toEqual(needed);
    expect(opened(egress, DNS)).toEqual([53, 53]);

    const walls = policy(manifests, 'redis');
    expect(opened(walls.ingress, { podSelector: { matchLabels: GATEWAY } })).toEqual(needed);
    // The pods of a group speak to each other, by name.
    expect(opened(walls.ingress, redis)).toEqual(overlay === 'sentinel' ? needed : []);
    expect(opened(walls.egress, redis)).toEqual(overlay === 'sentinel' ? needed : []);
    expect(opened(walls.egress, DNS)).toEqual(overlay === 'sentinel' ? [53, 53] : []);
  });

  if (overlay === 'single') return;

  test('gives the user of gateways the rules of users.acl, and no other user but the default', async () => {
    const acl = await readFile(join(ROOT, 'deploy/redis/users.acl'), 'utf8');
    const rules = words(/^user wmbp on >\S+ (.*)$/m.exec(acl)?.[1]);
    const redis = workloads(manifests).find(({ metadata }) => metadata.name === 'redis');
    const [container] = redis ? podSpec(redis).containers : [];
    const scripts = manifests.flatMap(({ kind, data }) => (kind === 'ConfigMap' ? [data?.['redis.sh']] : []));
    const text = [...(container?.args ?? []), ...scripts].join('\n').replaceAll(/\\\n/g, '');
    const users = [...text.matchAll(/user (\w+) on "?>\$GATEWAY_PASSWORD"? (.*?)"?$/gm)];
    expect(users.map(([, name, given]) => [name, words(given?.replaceAll("'", ''))])).toEqual([
      ['wmbp', rules],
    ]);
    print(`wmbp has the ${rules.length} rules of users.acl`);
  });
});

test('the component service-monitor selects the Service for metrics, and names the job as prometheus.yml', async () => {
  const path = await kustomization(
    'monitor',
    `resources: ['${fromFolder('monitor', 'overlays/cluster')}']`,
    `components: ['${fromFolder('monitor', 'components/service-monitor')}']`,
  );
  const manifests = await renderFolder(path);
  const { spec } = find(manifests, 'ServiceMonitor', 'wmbp');
  const { selector, endpoints, jobLabel } = spec as unknown as {
    readonly selector: Selector;
    readonly endpoints: readonly { readonly port: string }[];
    readonly jobLabel: string;
  };
  const selected = manifests.filter(
    ({ kind, metadata }) => kind === 'Service' && isWithin(selector.matchLabels, metadata.labels ?? {}),
  );
  const { metadata, spec: service } = only(selected);
  expect(metadata.name).toBe('wmbp-metrics');
  expect(service?.['ports']).toMatchObject(endpoints.map(({ port }) => ({ name: port, port: 9081 })));
  const prometheus = await readFile(join(ROOT, 'deploy/prometheus/prometheus.yml'), 'utf8');
  // The operator's rule: the value of this label, or else the name of the Service.
  const job = metadata.labels?.[jobLabel] ?? metadata.name;
  expect(job).toBe(/- job_name: (\S+)$/m.exec(prometheus)?.[1]);
  print(`the job is ${job}`);
});

test('the comment in network-policy.yaml lets a balancer of one’s own to the port for operators', async () => {
  const text = await readFile(join(ROOT, 'deploy/k8s/base/network-policy.yaml'), 'utf8');
  const { ingress } = policy(await parse(text.replaceAll(/^( {8})# (?=- | {2})/gm, '$1')), 'wmbp');
  const { from } = only(ingress.filter((rule) => rule.ports.some(({ port }) => port === 'admin')));
  expect(from).toEqual([
    MONITORING,
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'haproxy' } },
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'haproxy' } },
    },
    { ipBlock: { cidr: '10.0.0.5/32' } },
  ]);
});

test.each(OVERLAYS)('the example of an overlay of one’s own works with %s', async (overlay) => {
  const relay = join(folder, overlay, 'relay');
  await mkdir(relay, { recursive: true });
  await symlink(ROOT, join(folder, overlay, 'wmbp'));
  const example = await blockBelow('Install it', 'yaml');
  const chosen = example.replace('overlays/cluster', `overlays/${overlay}`);
  const [withoutRedis = ''] = chosen.split(/^# .*not with `single`/m);
  await writeFile(join(relay, 'kustomization.yaml'), overlay === 'single' ? withoutRedis : chosen);
  const isScaled = overlay !== 'single';
  if (isScaled) await copyFile(join(overlayPath(overlay), 'redis.env'), join(relay, 'redis.env'));
  if (isScaled) await changePasswords(join(relay, 'redis.env'));

  const [manifests, originals] = await Promise.all([renderFolder(relay), render(overlay)]);
  const names = (all: readonly Manifest[]): string[] =>
    all.map(({ kind, metadata }) => `${kind} ${metadata.name.replace(/-\w{10}$/, '')}`).toSorted();
  expect(names(manifests)).toEqual(names(originals));
  const gateway = only(podSpec(find(manifests, 'Deployment', 'wmbp')).containers);
  expect(gateway.image).toBe('registry.example.com/wmbp:0.1.0');
  const env = environment(gateway, manifests);
  expect(env['WMBP_MAX_ROOMS']).toBe('2000');
  expect(env['WMBP_ADMIN_HOST']).toBe('0.0.0.0');
  expect(env['WMBP_REDIS_URL'] ?? '').toMatch(isScaled ? /^redis(-sentinel)?:\/\/wmbp:ours@/ : /^$/);
  print(`${manifests.length} objects, ${gateway.image}`);
});

interface Selector {
  readonly matchLabels: Labels;
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
}

interface Rule {
  readonly ports: readonly { readonly port: number | string; readonly protocol: string }[];
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
}

function policy(manifests: readonly Manifest[], name: string) {
  const { spec } = find(manifests, 'NetworkPolicy', name);
  expect(spec).toMatchObject({
    podSelector: { matchLabels: name === 'redis' ? REDIS : GATEWAY },
    policyTypes: ['Ingress', 'Egress'],
  });
  return spec as unknown as { readonly ingress: readonly Rule[]; readonly egress: readonly Rule[] };
}

/** By number, also where the rule has the name that pods with these labels give it. */
function portsOf(rule: Rule, manifests: readonly Manifest[], labels: Labels): number[] {
  const pods = workloads(manifests).filter((each) => isWithin(labels, labelsOf(each)));
  const named = pods.flatMap((each) => podSpec(each).containers).flatMap(({ ports }) => ports ?? []);
  return rule.ports.map(({ port }) => {
    if (typeof port === 'number') return port;
    return only(named.filter(({ name }) => name === port)).containerPort;
  });
}

function workloads(manifests: readonly Manifest[]): Manifest[] {
  return manifests.filter(({ spec }) => spec?.template);
}

function labelsOf({ spec }: Manifest): Labels {
  return spec?.template?.metadata.labels ?? {};
}

function specsOf(manifests: readonly Manifest[], kind: string): Record<string, unknown> {
  const chosen = manifests.filter((each) => each.kind === kind);
  return Object.fromEntries(chosen.map(({ metadata, spec }) => [metadata.name, spec]));
}

function isWithin(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function isSame(one: Peer, other: Peer): boolean {
  const labels = ({ namespaceSelector, podSelector }: Peer): Labels[] =>
    [namespaceSelector, podSelector].map((each) => each?.matchLabels ?? {});
  return isDeepStrictEqual(labels(one), labels(other));
}

function byNumber(one: number, other: number): number {
  return one - other;
}

function words(text: string | undefined): string[] {
  return (text ?? '').trim().split(/\s+/);
}

function fromFolder(name: string, path: string): string {
  return relative(join(folder, name), join(ROOT, 'deploy/k8s', path));
}

async function kustomization(name: string, ...lines: string[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await writeFile(join(path, 'kustomization.yaml'), lines.join('\n'));
  return path;
}

async function changePasswords(file: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replaceAll(/change-me(?!-too)/g, 'ours').replaceAll('change-me-too', 'also-ours'),
  );
}

function print(text: string): void {
  process.stdout.write(`  ${text}\n`);
}
