/** Listening on a port, exclusively, and no more. */
import { type Uws } from './load.ts';

/** The library exports it under this name; its types only know an enumeration that does not exist at run time. */
const LIBUS_LISTEN_EXCLUSIVE_PORT = 1;

export interface Listening {
  /** The one asked for, or a free one for 0. */
  readonly port: number;
  /** Accepts nobody any more; whoever was accepted stays. */
  close(): void;
}

/** @throws {Error} when the port cannot be had */
export function listen(
  uws: typeof Uws,
  app: Uws.TemplatedApp,
  host: string,
  port: number,
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    // Without the option the library sets SO_REUSEPORT, and a second process on the port succeeds too.
    app.listen(host, port, LIBUS_LISTEN_EXCLUSIVE_PORT, (token) => {
      if (!token)
        return reject(
          new Error(`cannot listen on ${host}:${port}: in use, not permitted, or no address of this machine`),
        );
      resolve({ port: uws.us_socket_local_port(token), close: () => uws.us_listen_socket_close(token) });
    });
  });
}
