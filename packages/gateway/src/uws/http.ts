/** HTTP: room look-ups on the public listener; health, readiness and metrics on the operators' one. */
import { parsePath, type RoomCode } from '@wmbp/protocol';
import { type Journal } from '../journal.ts';
import { type Ledger } from '../ledger.ts';
import { type Log } from '../log.ts';
import { countIn, type Metrics } from '../metrics.ts';
import { Unavailable } from '../unavailable.ts';
import { type UnknownCodes } from '../unknown-codes.ts';
import { type Connections } from './connections.ts';
import { type Uws } from './load.ts';

const USAGE =
  'This is a WMBP relay. WebSocket /CREATE opens a room, WebSocket /CODE joins one, GET /CODE tells its name.\n';

const STATUS = {
  200: '200 OK',
  400: '400 Bad Request',
  404: '404 Not Found',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
} as const;

export interface Answer {
  readonly status: keyof typeof STATUS;
  readonly body: string;
  /** @default text/plain; charset=utf-8 */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const CORS = { 'Access-Control-Allow-Origin': '*' };
const PREFLIGHT = {
  ...CORS,
  'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Max-Age': '86400',
};

/**
 * Look-ups of rooms, and a short text for everything else that is no WebSocket.
 *
 * One request a connection, answered when the turn is over: the library drops who sends another one before. It
 * would otherwise collect answers that nobody reads without bound, and at a growing cost (measured 2026-11-26:
 * five connections that pipelined `GET /` and read nothing kept everybody else waiting for over ten seconds).
 */
export function serveLookups(
  app: Uws.TemplatedApp,
  ledger: Ledger,
  unknownCodes: UnknownCodes,
  connections: Connections,
  journal: Journal,
  metrics: Metrics,
  log: Log,
): void {
  function respond(res: Uws.HttpResponse, req: Uws.HttpRequest): void {
    const method = req.getMethod();
    const path = parsePath(req.getUrl());
    const address = connections.onRequest(res);
    let isAborted = false;
    res.onAborted(() => {
      isAborted = true;
    });
    const answerLater = (answer: Answer): void => {
      setImmediate(() => {
        if (!isAborted) reply(res, answer, method !== 'head', true);
      });
    };
    if (method === 'options') return answerLater({ status: 200, body: '', headers: PREFLIGHT });
    const isRead = method === 'get' || method === 'head';
    if (!isRead || path?.kind !== 'room') return answerLater({ status: 400, body: USAGE, headers: CORS });
    lookUp(path.room, address, (answer) => {
      countIn(metrics.lookups, answer.status);
      answerLater(answer);
    });
  }

  function lookUp(room: RoomCode, address: string, answer: (answer: Answer) => void): void {
    ledger.find(room).then(
      (name) => {
        if (name !== undefined) return answer({ status: 200, body: name, headers: CORS });
        unknownCodes.answer(address, (isTooMany) => {
          if (isTooMany) journal.offended('tooManyUnknownCodes', address);
          answer(isTooMany ? TOO_MANY : NOT_FOUND);
        });
      },
      (error: unknown) => {
        if (!(error instanceof Unavailable)) log.error({ error, room }, 'looking a room up failed');
        answer(UNAVAILABLE);
      },
    );
  }

  app.any('/*', respond);
}

const NOT_FOUND: Answer = { status: 404, body: 'Game not found', headers: CORS };
const UNAVAILABLE: Answer = {
  status: 503,
  body: 'Rooms are out of reach, try again later\n',
  headers: { ...CORS, 'Retry-After': '5' },
};
const TOO_MANY: Answer = {
  status: 429,
  body: 'Too many unknown room codes, try again later\n',
  headers: { ...CORS, 'Retry-After': '60' },
};

export interface Operations {
  /** Why this node should get no new peers; `undefined` when it should. */
  notReady(): string | undefined;
  metrics(): Promise<Answer>;
}

/** For operators and probes; never on the public listener. Liveness says only that the process turns. */
export function serveOperations(app: Uws.TemplatedApp, operations: Operations, log: Log): void {
  const collectionFailed: Answer = { status: 500, body: 'Collecting metrics failed\n' };

  function respond(res: Uws.HttpResponse, req: Uws.HttpRequest): void {
    const method = req.getMethod();
    const hasBody = method !== 'head';
    const path = method === 'get' || method === 'head' ? req.getUrl() : '';
    if (path !== '/metrics') return reply(res, answerNow(path, operations), hasBody);
    let isAborted = false;
    res.onAborted(() => {
      isAborted = true;
    });
    const answerWith = (answer: Answer): void => {
      if (!isAborted) reply(res, answer, hasBody);
    };
    operations.metrics().then(answerWith, (error: unknown) => {
      log.error({ error }, 'collecting metrics failed');
      answerWith(collectionFailed);
    });
  }

  app.any('/*', respond);
}

function answerNow(path: string, operations: Operations): Answer {
  if (path === '/healthz') return { status: 200, body: 'ok\n' };
  if (path !== '/readyz') return { status: 404, body: '/healthz /readyz /metrics\n' };
  const reason = operations.notReady();
  return reason ? { status: 503, body: `${reason}\n` } : { status: 200, body: 'ready\n' };
}

function reply(res: Uws.HttpResponse, answer: Answer, hasBody: boolean, isLast = false): void {
  res.cork(() => {
    res.writeStatus(STATUS[answer.status]);
    res.writeHeader('Content-Type', answer.type ?? 'text/plain; charset=utf-8');
    res.writeHeader('X-Content-Type-Options', 'nosniff');
    res.writeHeader('Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(answer.headers ?? {})) res.writeHeader(name, value);
    if (hasBody) return void res.end(answer.body, isLast);
    // A length given to `endWithoutBody` makes the library wait for the body for ever (20.51.4): without an abort
    // handler it ends the process, with one it drops the next request of the connection.
    res.writeHeader('Content-Length', String(Buffer.byteLength(answer.body)));
    if (isLast) {
      // Without that length the library cannot be told to close: nothing more is read, and the peer closes, or
      // the library for want of another request.
      res.writeHeader('Connection', 'close');
      res.pause();
    }
    res.endWithoutBody();
  });
}
