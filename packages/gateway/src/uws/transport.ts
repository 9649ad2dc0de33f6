/**
 * WebSockets over uWebSockets.js; with http.ts the only place that knows the library.
 *
 * - `HttpRequest` is dead after the first await: `upgrade` is synchronous, admission is decided after it. A
 *   browser cannot read the HTTP status of a failed handshake; it can read a close code.
 * - A message's memory is gone when the handler returns: the path from here to the last `send` is synchronous.
 * - A throw in a handler ends the process: each is wrapped.
 */
import { CLOSE, parsePath, type PathMeaning } from '@wmbp/protocol';
import { type Log } from '../log.ts';
import { countIn, type Metrics } from '../metrics.ts';
import { type Peers } from '../peers.ts';
import { type Pressure } from '../pressure.ts';
import { type Turn } from '../turn.ts';
import { type Connections } from './connections.ts';
import { type Uws } from './load.ts';
import { UwsSocket } from './socket.ts';

export interface UserData {
  readonly path: PathMeaning;
  readonly address: string;
  socket: UwsSocket | undefined;
}

export interface TransportBounds {
  readonly maxFrameBytes: number;
  readonly idleTimeoutSeconds: number;
}

/** Above this the library drops the connection (1006), below it we close with 1009 (PROTOCOL.md, "Limits"). */
const LIBRARY_BOUND = 2;
/** Codes that peers send are counted by these; any other counts as 0, so that peers cannot make up metrics. */
const COUNTED_PEER_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005, 1006, 1007, 1009]);

export function serveWebSockets(
  uws: typeof Uws,
  app: Uws.TemplatedApp,
  peers: Peers,
  connections: Connections,
  turn: Turn,
  pressure: Pressure,
  metrics: Metrics,
  bounds: TransportBounds,
  log: Log,
): void {
  function open(ws: Uws.WebSocket<UserData>): void {
    const user = ws.getUserData();
    const traffic = user.path?.kind === 'create' ? metrics.host : metrics.player;
    const socket = new UwsSocket(ws, user.address, turn, pressure, traffic);
    user.socket = socket;
    socket.listen(peers.open(socket, user.path));
  }

  function closed(ws: Uws.WebSocket<UserData>, code: number): void {
    const { socket } = ws.getUserData();
    if (!socket) return;
    const ours = socket.onClosed();
    if (ours) countIn(metrics.closes.server, ours.code);
    else countIn(metrics.closes.peer, COUNTED_PEER_CODES.has(code) ? code : 0);
  }

  /** Runs one step for a socket; what it throws is logged, and costs that socket only. */
  function guarded(ws: Uws.WebSocket<UserData>, step: () => void): void {
    try {
      step();
    } catch (error) {
      log.error({ error }, 'serving a socket failed');
      ws.getUserData().socket?.close(CLOSE.internalError);
    }
  }

  app.ws<UserData>('/*', {
    compression: uws.DISABLED,
    maxPayloadLength: LIBRARY_BOUND * bounds.maxFrameBytes,
    maxBackpressure: 0,
    idleTimeout: bounds.idleTimeoutSeconds,
    sendPingsAutomatically: true,
    upgrade(res, req, context) {
      res.upgrade<UserData>(
        { path: parsePath(req.getUrl()), address: connections.onUpgrade(res), socket: undefined },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (ws) => guarded(ws, () => open(ws)),
    message: (ws, message, isBinary) => {
      guarded(ws, () => ws.getUserData().socket?.onMessage(new Uint8Array(message), isBinary));
    },
    drain: (ws) => guarded(ws, () => ws.getUserData().socket?.onUnsent(true)),
    // The library answers pings by itself, also to a peer that never reads the pongs.
    ping: (ws, payload) => guarded(ws, () => ws.getUserData().socket?.onPing(payload.byteLength)),
    close: (ws, code) => guarded(ws, () => closed(ws, code)),
  });
}
