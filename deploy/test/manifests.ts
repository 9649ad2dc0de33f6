/** What deploy/k8s says, as objects; no cluster is asked. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '@wmbp/testkit';
import { run } from './tools.ts';

export const OVERLAYS = ['single', 'cluster', 'sentinel'] as const;
export type Overlay = (typeof OVERLAYS)[number];

export const overlayPath = (overlay: Overlay): string => join(ROOT, 'deploy/k8s/overlays', overlay);

/** The fields that tests look at. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  /** Of a ConfigMap; in base64, of a Secret. */
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly [field: string]: unknown;
  };
}

export type Labels = Readonly<Record<string, string>>;

export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: { readonly runAsUser?: number; readonly runAsGroup?: number };
  readonly topologySpreadConstraints?: readonly unknown[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: unknown;
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly exec?: { readonly command: readonly string[] };
}

export async function render(overlay: Overlay): Promise<Manifest[]> {
  return renderFolder(overlayPath(overlay));
}

/** @param path of a folder with a kustomization.yaml */
export async function renderFolder(path: string): Promise<Manifest[]> {
  return parse(await run('kubectl', ['kustomize', path]));
}

export async function parse(yaml: string): Promise<Manifest[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wmbp-manifests-'));
  try {
    const file = join(folder, 'all.yaml');
    await writeFile(file, yaml);
    // A patch of nothing: kubectl's way from YAML to JSON that asks no server.
    const patch = ['patch', '--local', '-f', file, '--type=merge', '-p', '{}', '-o', 'json'];
    const documents = (await run('kubectl', patch)).split(/(?<=^\})\n(?=\{)/m);
    return documents.map((text) => JSON.parse(text) as Manifest);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @throws {Error} when there is none */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name} among ${manifests.map(({ kind }) => kind).join(', ')}`);
  return found;
}

/** @throws {Error} when it makes no Pods */
export function podSpec({ kind, metadata, spec }: Manifest): PodSpec {
  if (!spec?.template) throw new Error(`${kind} ${metadata.name} makes no Pods`);
  return spec.template.spec;
}

export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined || items.length !== 1) throw new Error(`expected one, not ${items.length}`);
  return item;
}

/** What a container finds in its environment: ConfigMaps, Secrets, and what refers to these. */
export function environment(container: Container, manifests: readonly Manifest[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const { configMapRef } of container.envFrom ?? []) {
    Object.assign(env, find(manifests, 'ConfigMap', configMapRef.name).data);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    env[name] = valueFrom ? secret(manifests, valueFrom.secretKeyRef) : expand(value ?? '', env);
  }
  return env;
}

/** Puts in what `$(NAME)` stands for. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\((\w+)\)/g, (whole, name: string) => env[name] ?? whole);
}

function secret(manifests: readonly Manifest[], { name, key }: { name: string; key: string }): string {
  const value = find(manifests, 'Secret', name).data?.[key];
  if (value === undefined) throw new Error(`Secret ${name} has no ${key}`);
  return Buffer.from(value, 'base64').toString();
}
