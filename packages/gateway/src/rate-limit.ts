/** Token buckets by address, in bounded memory. */

export interface BucketShape {
  /** Tokens of a full bucket. */
  readonly burst: number;
  readonly perSecond: number;
  /** Buckets kept; addresses beyond that share one. */
  readonly maxBuckets: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** A bucket that has filled up again is forgotten, so that only the busy take memory. */
export class RateLimit {
  readonly #shape: BucketShape;
  readonly #buckets = new Map<string, Bucket>();
  readonly #shared: Bucket;

  constructor(shape: BucketShape) {
    this.#shape = shape;
    this.#shared = { tokens: shape.burst, filledAtMs: 0 };
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of this address; false when there is none. @param nowMs of a clock that never goes back */
  take(address: string, nowMs: number): boolean {
    const bucket = this.#bucketOf(networkOf(address), nowMs);
    this.#fill(bucket, nowMs);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Gives back the memory of full buckets; takes time by their number, so call it by the clock only. */
  forgetFull(nowMs: number): void {
    for (const [network, bucket] of this.#buckets) {
      this.#fill(bucket, nowMs);
      if (bucket.tokens >= this.#shape.burst) this.#buckets.delete(network);
    }
  }

  #bucketOf(network: string, nowMs: number): Bucket {
    const known = this.#buckets.get(network);
    if (known) return known;
    if (this.#buckets.size >= this.#shape.maxBuckets) return this.#shared;
    const bucket = { tokens: this.#shape.burst, filledAtMs: nowMs };
    this.#buckets.set(network, bucket);
    return bucket;
  }

  #fill(bucket: Bucket, nowMs: number): void {
    const { burst, perSecond } = this.#shape;
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSecond);
    bucket.filledAtMs = nowMs;
  }
}

/**
 * What one subscriber of an internet provider has: an IPv4 address, or the first 64 bits of an IPv6 address.
 * @param address dotted IPv4, or IPv6 in full (eight groups of four hex digits)
 */
export function networkOf(address: string): string {
  const groups = address.split(':');
  if (groups.length !== 8) return address;
  const isMappedIpv4 = groups.slice(0, 5).every((group) => group === '0000') && groups[5] === 'ffff';
  if (!isMappedIpv4) return groups.slice(0, 4).join(':');
  return [...Buffer.from(groups.slice(6).join(''), 'hex')].join('.');
}
