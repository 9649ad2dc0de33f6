/** The process: command line, signals, output, exit code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBench, type Results } from './bench.ts';
import { chooseCores } from './cores.ts';
import { describeOptions, OptionError, parseOptions, type Options } from './options.ts';
import { describeRows } from './report.ts';
import { SubjectError } from './server.ts';

const LATEST = fileURLToPath(new URL('../results/latest.json', import.meta.url));

// Leaving ends every child.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

try {
  const options = parseOptions(process.argv.slice(2), LATEST);
  if (options) await bench(options);
  else console.log(describeOptions());
} catch (error) {
  if (error instanceof OptionError) console.error(`bench: ${error.message} (--help tells more)`);
  else if (error instanceof SubjectError) console.error(`bench: ${error.message}`);
  else console.error(error);
  process.exit(1);
}

async function bench(options: Options): Promise<void> {
  if (process.platform !== 'linux') throw new OptionError('the bench reads /proc: expected Linux');
  const cores = chooseCores();
  console.log(`${options.subject} against ${options.against}; ${cores.description}; one line per sample`);
  const results = await runBench(options, cores, console.log);
  printResults(options, results);
  if (options.out !== '') writeResults(options.out, results);
  if (results.broken.length > 0) process.exitCode = 1;
}

function writeResults(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`written: ${file}`);
}

function printResults(options: Options, { rows, doubts, broken }: Results): void {
  if (!options.isSmoke) console.log(`\n${describeRows(options.against, options.subject, rows)}\n`);
  for (const doubt of doubts) if (!options.isSmoke) console.log(`doubt: ${doubt}`);
  if (broken.length === 0)
    console.log('integrity: nothing lost, doubled, reordered or damaged; no unexpected close');
  else console.log(`integrity: BROKEN in ${broken.join(', ')}`);
}
