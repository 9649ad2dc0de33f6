/** The operators' own tools, run as they run them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '@wmbp/testkit';

const execute = promisify(execFile);

const HOW_TO_GET: Readonly<Record<string, string>> = {
  docker: 'install Docker Engine with the compose plugin, or point DOCKER_HOST to one',
  kubectl: 'install kubectl, and set KUBECONFIG to a cluster that tests may fill',
};

/**
 * What the command wrote to standard output, run in the workspace's root.
 * @throws {Error} with what it wrote when it fails, and how to get it when it is missing
 */
export async function run(
  tool: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    return (await execute(tool, args, options)).stdout;
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: string | number; stdout?: string; stderr?: string };
    if (code === 'ENOENT') throw new Error(`${tool} is missing: ${HOW_TO_GET[tool] ?? 'install it'}`);
    throw new Error(`${tool} ${args.join(' ')}: ${code}: ${stdout}${stderr}`);
  }
}

/** The sum of a metric's series that have these labels, in Prometheus' text format. @throws {Error} if there is none */
export function metricOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const series = text.split('\n').filter((line) => {
    const given = /^(\w+)(?:\{(.*)\})? /.exec(line)?.[1];
    return given === name && wanted.every((label) => line.includes(label));
  });
  if (series.length === 0) throw new Error(`no ${name} with ${wanted.join()} among the metrics`);
  return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const LOOK_EVERY_MS = 100;

/** Asks again and again, for what can only be asked. @throws {Error} that says what was waited for */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  deadlineMs: number = 20_000,
): Promise<void> {
  const untilMs = performance.now() + deadlineMs;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`waited ${deadlineMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** @throws {Error} that says how to get one, when no engine answers */
export async function needsDocker(): Promise<void> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}']);
  } catch (error) {
    throw new Error(`no Docker engine answers: ${HOW_TO_GET['docker']}`, { cause: error });
  }
}
