/** Pods of a manifest as containers of a Docker engine: command, environment, files and restrictions as written. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, expand, find, type Container, type Manifest, type PodSpec } from './manifests.ts';
import { run } from './tools.ts';

export interface Pod {
  /** What the command wrote, whatever its exit code. */
  exec(container: string, command: readonly string[]): Promise<string>;
  /** Of all its containers. */
  logs(): Promise<string>;
  /** At once, as with its machine: addresses and files are gone. */
  kill(): Promise<void>;
}

export interface PodPlace {
  readonly manifests: readonly Manifest[];
  /** Of Docker; names of Pods are resolved in it. */
  readonly network: string;
  /** What the network calls it: `redis-0.redis`. */
  readonly dnsName: string;
  /** Names of images to those that stand in for them. */
  readonly images?: Readonly<Record<string, string>>;
}

export async function startPod(name: string, spec: PodSpec, place: PodPlace): Promise<Pod> {
  const { manifests, network, dnsName, images = {} } = place;
  const { runAsUser = 0, runAsGroup = 0 } = spec.securityContext ?? {};
  const imageOf = ({ image }: Container): string => images[image] ?? image;
  const folder = await mkdtemp(join(tmpdir(), `wmbp-${name}-`));
  const prefix = `${network}-${name}`;
  const started: string[] = [];

  /** Holds the network namespace, as Kubernetes has it. */
  async function startSandbox(image: string): Promise<void> {
    const args = ['--name', prefix, '--network', network, '--network-alias', dnsName];
    await run('docker', ['run', '-d', ...args, '--entrypoint', 'sleep', image, 'infinity']);
    started.push(prefix);
  }

  async function startContainer(container: Container): Promise<void> {
    const env = environment(container, manifests);
    const command = [...(container.command ?? []), ...(container.args ?? [])].map((arg) => expand(arg, env));
    const [entrypoint, ...rest] = command;
    const args = ['--name', `${prefix}-${container.name}`, '--network', `container:${prefix}`];
    args.push('--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges');
    args.push('--user', `${runAsUser}:${runAsGroup}`);
    if (entrypoint !== undefined) args.push('--entrypoint', entrypoint);
    for (const [key, value] of Object.entries({ HOSTNAME: name, ...env })) args.push('-e', `${key}=${value}`);
    for (const mount of container.volumeMounts ?? []) {
      const volume = spec.volumes?.find((each) => each.name === mount.name);
      if (volume?.configMap) args.push('-v', `${join(folder, mount.name)}:${mount.mountPath}:ro`);
      else args.push('--tmpfs', `${mount.mountPath}:uid=${runAsUser},gid=${runAsGroup}`);
    }
    await run('docker', ['run', '-d', ...args, imageOf(container), ...rest]);
    started.push(`${prefix}-${container.name}`);
  }

  /** Before any container starts: one of them must not read what is being written for another. */
  async function writeFiles(): Promise<void> {
    for (const { name: volume, configMap } of spec.volumes ?? []) {
      if (!configMap) continue;
      await mkdir(join(folder, volume));
      for (const [file, text] of Object.entries(find(manifests, 'ConfigMap', configMap.name).data ?? {})) {
        await writeFile(join(folder, volume, file), text);
      }
    }
    await chmod(folder, 0o755);
  }

  async function kill(): Promise<void> {
    if (started.length > 0) await run('docker', ['rm', '--force', '--volumes', ...started]);
    started.length = 0;
    await rm(folder, { recursive: true, force: true });
  }

  try {
    const [first] = spec.containers;
    if (!first) throw new Error(`${name} has no containers`);
    await writeFiles();
    await startSandbox(imageOf(first));
    for (const container of spec.containers) await startContainer(container);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    exec: async (container, command) => {
      const args = ['exec', `${prefix}-${container}`, ...command];
      return run('docker', args).catch((error: unknown) => String(error));
    },
    logs: async () => {
      const texts = spec.containers.map(async (container) => {
        const text = await run('docker', ['logs', '--tail', '30', `${prefix}-${container.name}`]);
        return `--- ${name} ${container.name}\n${text}`;
      });
      return (await Promise.all(texts)).join('');
    },
    kill,
  };
}
