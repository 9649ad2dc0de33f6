/** The process: command line, signals, output, exit code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OptionError } from './arguments.ts';
import { runBench, type Results } from './bench.ts';
import { describeClusterOptions, parseClusterOptions, type ClusterOptions } from './cluster-options.ts';
import { describeClusterRows } from './cluster-rows.ts';
import { runClusterBench } from './cluster.ts';
import { chooseCores } from './cores.ts';
import { describeOptions, parseOptions, type Options } from './options.ts';
import { describeRows } from './report.ts';
import { SubjectError } from './server.ts';

const LATEST = fileURLToPath(new URL('../results/latest.json', import.meta.url));
const LATEST_CLUSTER = fileURLToPath(new URL('../results/cluster.json', import.meta.url));

// Leaving ends every child.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof OptionError) console.error(`bench: ${error.message} (--help tells more)`);
  else if (error instanceof SubjectError) console.error(`bench: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

async function run(args: readonly string[]): Promise<void> {
  if (process.platform !== 'linux') throw new OptionError('the bench reads /proc: expected Linux');
  if (args[0] === 'cluster') {
    const options = parseClusterOptions(args.slice(1), LATEST_CLUSTER);
    if (options) await benchCluster(options);
    else console.log(describeClusterOptions());
    return;
  }
  const options = parseOptions(args, LATEST);
  if (options) await bench(options);
  else console.log(describeOptions());
}

async function bench(options: Options): Promise<void> {
  const cores = chooseCores();
  console.log(`${options.subject} against ${options.against}; ${cores.description}; one line per sample`);
  const results = await runBench(options, cores, console.log);
  finish(options, results, describeRows(options.against, options.subject, results.rows));
}

async function benchCluster(options: ClusterOptions): Promise<void> {
  const cores = chooseCores();
  console.log(
    `cluster against raw relay, one node and raw pub/sub; ${cores.description}; one line per sample`,
  );
  const results = await runClusterBench(options, cores, console.log);
  finish(options, results, describeClusterRows(results.rows));
}

function finish(
  { isSmoke, out }: Pick<Options, 'isSmoke' | 'out'>,
  results: Pick<Results, 'doubts' | 'broken'>,
  table: string,
): void {
  const { doubts, broken } = results;
  if (!isSmoke) console.log(`\n${table}\n`);
  for (const doubt of doubts) if (!isSmoke) console.log(`doubt: ${doubt}`);
  if (broken.length === 0)
    console.log('integrity: nothing lost, doubled, reordered or damaged; no unexpected close');
  else console.log(`integrity: BROKEN in ${broken.join(', ')}`);
  if (out !== '') writeResults(out, results);
  if (broken.length > 0) process.exitCode = 1;
}

function writeResults(file: string, results: object): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`written: ${file}`);
}
