/** How both opponents take sockets: every one, uncompressed, however much it does not read. */
import type * as Uws from 'uWebSockets.js';

/** @param peerOf what is known of a peer by its path, without the slash */
export function takingSockets<Peer>(
  uws: typeof Uws,
  peerOf: (path: string) => Peer,
): Uws.WebSocketBehavior<Peer> {
  return {
    compression: uws.DISABLED,
    maxBackpressure: 0,
    maxPayloadLength: 16 * 1024 * 1024,
    upgrade(res, req, context) {
      res.upgrade<Peer>(
        peerOf(req.getUrl().slice(1)),
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
  };
}
