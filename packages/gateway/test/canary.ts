/** A small game that goes on beside whatever else happens: numbered words from a player to its host and back. */
import { TestHost, TestPeer } from '@wmbp/testkit';

export class Canary {
  readonly #host: TestHost;
  readonly #player: TestPeer;
  #isOver = false;
  #rounds = 0;
  #onRound: () => void = () => undefined;
  #played: Promise<void> = Promise.resolve();

  private constructor(host: TestHost, player: TestPeer) {
    this.#host = host;
    this.#player = player;
  }

  static async open(port: number): Promise<Canary> {
    const host = await new TestHost(`ws://127.0.0.1:${port}/CREATE`).opened();
    await host.expect('state');
    const code = await host.prepare(1);
    const player = await new TestPeer(`ws://127.0.0.1:${port}/${code}`).opened();
    await host.expect('player_joined');
    await host.expect('state');
    const canary = new Canary(host, player);
    canary.#played = canary.#play();
    // Whoever ends it hears of a failure.
    canary.#played.catch(() => undefined);
    return canary;
  }

  /** Ends the game. @throws {Error} when a word was lost, late or out of order */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#played;
    this.#host.drop();
    this.#player.drop();
  }

  /** Resolves when so many rounds more have been played. */
  async plays(more: number): Promise<void> {
    const until = this.#rounds + more;
    while (this.#rounds < until) {
      await Promise.race([this.#played, new Promise<void>((resolve) => (this.#onRound = resolve))]);
    }
  }

  async #play(): Promise<void> {
    while (!this.#isOver) {
      const word = String(this.#rounds);
      this.#player.send(word);
      const event = await this.#host.expect('from_str');
      if (event.data.toString() !== word) throw new Error(`expected ${word}, came ${event.data.toString()}`);
      this.#host.command({ cmd: 'to_str', to: [event.from], data: Buffer.from(word) });
      const answer = await this.#player.nextText();
      if (answer !== word) throw new Error(`expected ${word}, came ${answer}`);
      this.#rounds += 1;
      this.#onRound();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
