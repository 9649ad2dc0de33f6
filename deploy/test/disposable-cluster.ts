/** The Kubernetes API server that KUBECONFIG names, if it is one that tests may fill. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '@wmbp/testkit';
import { run } from './tools.ts';

const WATCH_MS = 120_000;
const RENEW_EVERY_MS = 10_000;
const ZONE = 'topology.kubernetes.io/zone';
const HOW_TO_GET =
  'these tests need a Kubernetes cluster that they may fill and drain, with nodes in three zones' +
  ` (${ZONE}); nodes that run nothing, as kwok makes them, are enough. Set KUBECONFIG to one`;

export const kubectl = (...args: string[]): Promise<string> => run('kubectl', args);

/** @returns what it is, for the report @throws {Error} that says how to get one, or why not this one */
export async function requireDisposableCluster(): Promise<string> {
  if (!process.env['KUBECONFIG']) throw new Error(`KUBECONFIG is not set: ${HOW_TO_GET}`);
  const ask = (...args: string[]): Promise<string> =>
    kubectl('--request-timeout=10s', ...args).catch((error: unknown) => {
      throw new Error(`the API server does not answer (${String(error).trim()}): ${HOW_TO_GET}`);
    });
  const server = await ask('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}');
  const { hostname } = new URL(server);
  const isLocal = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname);
  if (!isLocal && process.env['WMBP_TEST_ANY_CLUSTER'] !== '1') {
    throw new Error(
      `${server} is not on this machine, and these tests cordon and drain nodes: set WMBP_TEST_ANY_CLUSTER=1 if you are sure`,
    );
  }
  const { serverVersion } = JSON.parse(await ask('version', '-o', 'json')) as {
    serverVersion: { gitVersion: string };
  };
  const nodes = await ask(
    'get',
    'nodes',
    '-o',
    `jsonpath={.items[*].metadata.labels['${ZONE.replaceAll('.', '\\.')}']}`,
  );
  const zones = new Set(nodes.split(' ').filter((zone) => zone !== ''));
  if (zones.size < 3) throw new Error(`${server} has nodes in ${zones.size} zones: ${HOW_TO_GET}`);
  return `Kubernetes ${serverVersion.gitVersion}, zones ${[...zones].sort().join(', ')}`;
}

/**
 * Renews the leases of nodes for which nobody does it: where nodes only pretend, that may be forgotten, and every pod of
 * a node that was silent for 50 s is taken for not ready. @returns what ends it
 */
export async function keepNodesAlive(): Promise<() => Promise<void>> {
  const names = async (kind: string, ...args: string[]): Promise<string[]> => {
    const text = await kubectl('get', kind, ...args, '-o', 'jsonpath={.items[*].metadata.name}');
    return text.split(' ').filter((name) => name !== '');
  };
  const namespace = 'kube-node-lease';
  const kept = await names('leases', '-n', namespace);
  const silent = (await names('nodes')).filter((node) => !kept.includes(node));
  if (silent.length === 0) return () => Promise.resolve();

  const folder = await mkdtemp(join(tmpdir(), 'wmbp-leases-'));
  const file = join(folder, 'leases.json');
  async function renew(): Promise<void> {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const items = silent.map((name) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
    }));
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await kubectl('apply', '--server-side', '-f', file);
  }
  await renew();
  let renewing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => (renewing = renew().catch(() => undefined)), RENEW_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await renewing;
    await kubectl('delete', '-f', file);
    await rm(folder, { recursive: true });
  };
}

/** Everything that `kubectl get … --watch` prints, one state a line. */
export interface Watch {
  readonly seen: readonly string[];
  /** Resolves with the next line that matches, or an earlier one. */
  until(what: string, matches: (line: string) => boolean): Promise<string>;
  stop(): Promise<void>;
}

/** Resolves when the first state has been seen. @param args what to get, and how to print it */
export async function watch(...args: string[]): Promise<Watch> {
  const child = spawn('kubectl', ['get', '--watch', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('close', resolve));
  const seen: string[] = [];
  let wake = (): void => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    seen.push(line);
    wake();
  });
  async function until(what: string, matches: (line: string) => boolean): Promise<string> {
    for (let from = 0; ;) {
      const line = seen.slice(from).find(matches);
      if (line !== undefined) return line;
      from = seen.length;
      const more = new Promise<void>((resolve) => (wake = resolve));
      await within(`${what}; last seen: ${seen.at(-1)}`, more, WATCH_MS);
    }
  }
  await until('the first state', () => true);
  return {
    seen,
    until,
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}
