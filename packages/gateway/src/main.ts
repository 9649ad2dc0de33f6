/** The process: environment, logger, signals, exit code. */
import { existsSync, readFileSync } from 'node:fs';
import { pino, stdSerializers } from 'pino';
import { helpText, readConfig, type Config } from './config.ts';
import { openGateway, type Gateway } from './gateway.ts';
import { LogOutput, withFlush } from './log-output.ts';
import { parseOpenFileLimit, socketsWithin } from './open-files.ts';

const EXIT_FAILED = 1;
/** Linux only; Node has raised the soft limit to the hard one by now. */
const LIMITS_FILE = '/proc/self/limits';

/** Writes one line to standard error and ends the process. */
function refuseToStart(error: unknown): never {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`wmbp: ${text.replaceAll('\n', ' ')}\n`);
  process.exit(EXIT_FAILED);
}

async function openLog(level: Config['logLevel']) {
  const destination = process.stdout.isTTY
    ? withFlush((await import('pino-pretty')).default({ ignore: 'pid,hostname' }))
    : new LogOutput(process.stdout);
  return pino({ level, serializers: { error: stdSerializers.err }, base: { pid: process.pid } }, destination);
}

/** As many sockets as may be, and can be. */
function withinOpenFiles(wanted: Config): Config {
  const openFiles = existsSync(LIMITS_FILE)
    ? parseOpenFileLimit(readFileSync(LIMITS_FILE, 'utf8'))
    : undefined;
  const maxSockets = Math.min(wanted.maxSockets, socketsWithin(openFiles));
  if (maxSockets < wanted.maxSockets) {
    const fields = { openFiles, maxSockets, wanted: wanted.maxSockets };
    log.warn(fields, 'the limit of open files is too low for WMBP_MAX_SOCKETS: fewer sockets are let in');
  }
  return { ...wanted, maxSockets };
}

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(helpText());
  process.exit(0);
}
if (args.length > 0)
  refuseToStart(
    `unknown argument ${JSON.stringify(args[0])}; settings are environment variables, see --help`,
  );

let config: Config;
try {
  config = readConfig(process.env);
} catch (error) {
  refuseToStart(error);
}
const log = await openLog(config.logLevel);
let gateway: Gateway | undefined;
let isEnding = false;

async function end(exitCode: number): Promise<void> {
  isEnding = true;
  await gateway?.drain();
  await gateway?.close();
  log.info({ exitCode }, 'stopped');
  log.flush(() => process.exit(exitCode));
}

function onSignal(signal: NodeJS.Signals): void {
  if (isEnding) {
    log.warn({ signal }, 'stopping at once');
    log.flush(() => process.exit(EXIT_FAILED));
    return;
  }
  log.info({ signal, noticeMs: config.drainNoticeMs }, 'draining');
  void end(0);
}

function onFatal(error: unknown): void {
  log.fatal({ error }, 'this is a bug: draining');
  if (!isEnding) void end(EXIT_FAILED);
}

process.on('SIGTERM', onSignal);
process.on('SIGINT', onSignal);
process.on('unhandledRejection', onFatal);
process.on('uncaughtException', onFatal);

try {
  gateway = await openGateway(withinOpenFiles(config), log);
} catch (error) {
  refuseToStart(error);
}
