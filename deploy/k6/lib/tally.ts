/** What has come of one numbered stream of frames: what is missing, came twice, or came too late. */
export class Tally {
  received = 0;
  doubled = 0;
  outOfOrder = 0;
  readonly #missing = new Set<number>();
  /** This one must come and all after it; earlier ones may. */
  #must: number | undefined;
  /** The first that came. */
  #first = 0;
  /** Follows the highest that came; `undefined` as long as none did. */
  #next: number | undefined;

  /** The stream from its first frame on, or from wherever a receiver comes in. @see mustHaveFrom */
  constructor(startsAt: 'first frame' | 'anywhere') {
    if (startsAt === 'first frame') this.#must = 0;
  }

  note(sequence: number): void {
    this.received += 1;
    if (this.#next === undefined) {
      this.#first = sequence;
      this.#next = Math.min(this.#must ?? sequence, sequence);
    }
    if (sequence >= this.#next) {
      this.#miss(this.#next, sequence);
      this.#next = sequence + 1;
    } else if (this.#missing.delete(sequence)) this.outOfOrder += 1;
    else this.doubled += 1;
  }

  /** For a receiver that came in anywhere; whether its first frame is still on its way or has come. */
  mustHaveFrom(sequence: number): void {
    if (this.#next !== undefined) this.#miss(sequence, this.#first);
    this.#must = sequence;
  }

  /** Numbers that were passed over. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Those behind the last that came. @param sent how many numbers the sender has used */
  behind(sent: number): number {
    return Math.max(0, sent - (this.#next ?? this.#must ?? sent));
  }

  #miss(from: number, end: number): void {
    for (let number = from; number < end; number += 1) this.#missing.add(number);
  }
}
