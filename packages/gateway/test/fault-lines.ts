/** Streams of numbers between peers, and what became of each number: come, lost, come twice, or out of order. */

/** What happened on all lines from the making of this tally on. */
export class Tally {
  sent = 0;
  delivered = 0;
  doubled = 0;
  swapped = 0;
  /** By close code, as the peers saw it. */
  readonly closes = new Map<number, number>();
  /** Of frames whose sender and addressee are on one node, and of the others, in milliseconds. */
  readonly delaysMs = { here: [] as number[], away: [] as number[] };
  /** Whatever no peer may ever see. */
  readonly violations: string[] = [];
}

interface Sent {
  readonly number: number;
  readonly atMs: number;
}

/** The numbers from one sender to one addressee; larger ones later. */
export class Line {
  readonly #name: string;
  readonly #tally: () => Tally;
  readonly #firstNumber: number;
  #underWay: Sent[] = [];
  #head = 0;
  isHere = false;
  lastHeard = -1;

  /**
   * @param tally the current one
   * @param firstNumber what is smaller was sent before this line was made, and is not looked at
   */
  constructor(name: string, tally: () => Tally, firstNumber = 0) {
    this.#name = name;
    this.#tally = tally;
    this.#firstNumber = firstNumber;
  }

  /** How many numbers have been sent and have not come. */
  get missing(): number {
    return this.#underWay.length - this.#head;
  }

  /** The oldest of these. */
  get oldest(): number | undefined {
    return this.#underWay[this.#head]?.number;
  }

  onSent(number: number): void {
    this.#underWay.push({ number, atMs: performance.now() });
    this.#tally().sent += 1;
  }

  onHeard(number: number): void {
    if (number < this.#firstNumber) return;
    const tally = this.#tally();
    let index = this.#head;
    while (index < this.#underWay.length && this.#underWay[index]?.number !== number) index += 1;
    const sent = this.#underWay[index];
    if (!sent) {
      tally.doubled += 1;
      tally.violations.push(`${this.#name}: ${number} again, or unasked`);
      return;
    }
    if (index > this.#head) {
      tally.swapped += 1;
      tally.violations.push(`${this.#name}: ${number} before ${this.oldest}`);
      this.#underWay.splice(index, 1);
    } else {
      this.#advance();
    }
    this.lastHeard = Math.max(this.lastHeard, number);
    tally.delivered += 1;
    tally.delaysMs[this.isHere ? 'here' : 'away'].push(performance.now() - sent.atMs);
  }

  #advance(): void {
    this.#head += 1;
    if (this.#head < 1000) return;
    this.#underWay = this.#underWay.slice(this.#head);
    this.#head = 0;
  }
}

/** @param share 0.5 is the median. 0 when there is nothing */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
