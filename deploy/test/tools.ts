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
 * @throws {Error} with what it wrote to standard error when it fails, and how to get it when it is missing
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
    const { code, stderr } = error as { code?: string | number; stderr?: string };
    if (code === 'ENOENT') throw new Error(`${tool} is missing: ${HOW_TO_GET[tool] ?? 'install it'}`);
    throw new Error(`${tool} ${args.join(' ')}: ${code}: ${stderr}`);
  }
}
