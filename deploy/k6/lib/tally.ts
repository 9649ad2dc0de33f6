/** What has come of one numbered stream of frames: what is missing, came twice, or came too late. */
export class Tally {
  received = 0;
  doubled = 0;
  outOfOrder = 0;
  readonly #missing = new Set<number>();
  #next: number | undefined;
  #first = 0;

  /** The stream from its first frame on, or from wherever a receiver comes in. @see mustHaveFrom */
  constructor(startsAt: 'first frame' | 'anywhere') {
    if (startsAt === 'first frame') this.#next = 0;
  }

  note(sequence: number): void {
    this.received += 1;
    const next = (this.#next ??= this.#first = sequence);
    if (sequence >= next) {
      for (let number = next; number < sequence; number += 1) this.#missing.add(number);
      this.#next = sequence + 1;
    } else if (this.#missing.delete(sequence)) this.outOfOrder += 1;
    else this.doubled += 1;
  }

  /** A receiver that comes in anywhere must get this one and all after it. */
  mustHaveFrom(sequence: number): void {
    if (this.#next === undefined) this.#next = this.#first = sequence;
    for (let number = sequence; number < this.#first; number += 1) this.#missing.add(number);
    this.#first = Math.min(this.#first, sequence);
  }

  /** Numbers that were passed over. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Those behind the last that came. @param sent how many numbers the sender has used */
  behind(sent: number): number {
    return this.#next === undefined ? 0 : Math.max(0, sent - this.#next);
  }
}
