/**
 * Whose address a peer has: that of its TCP connection, or what a balancer in front says of it in a PROXY protocol v2
 * header.
 *
 * The library reads such a header from anybody, before every request of a connection; so it is believed only where
 * the TCP connection comes from a source that the operator has named. From anybody else it changes nothing.
 */
import { type IpRanges } from '../ip-ranges.ts';
import { type Metrics } from '../metrics.ts';
import { type Uws } from './load.ts';

export class PeerAddresses {
  readonly #sources: IpRanges;
  readonly #metrics: Metrics;
  readonly #decoder = new TextDecoder();

  /** @param sources whose headers are believed */
  constructor(sources: IpRanges, metrics: Metrics) {
    this.#sources = sources;
    this.#metrics = metrics;
  }

  /** As `Socket.address`. Once for each connection, before the handler of its request returns. */
  of(res: Uws.HttpResponse): string {
    const { proxyHeaders } = this.#metrics;
    const own = this.#decoder.decode(res.getRemoteAddressAsText());
    const said = this.#decoder.decode(res.getProxiedRemoteAddressAsText());
    if (!this.#sources.include(own)) {
      if (said !== '') proxyHeaders.ignored += 1;
      return own;
    }
    if (said === '') proxyHeaders.missing += 1;
    else proxyHeaders.believed += 1;
    return said || own;
  }
}
