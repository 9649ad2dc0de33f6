/** A Lua file as a typed function. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RedisClient } from './connect.ts';

/**
 * One file of `scripts/`. It is sent by its hash, and in full only where the server does not know it (after a
 * restart, a failover, SCRIPT FLUSH).
 */
export class Script {
  readonly #name: string;
  readonly #source: string;
  readonly #sha: string;

  /** @throws {Error} when there is no such file */
  constructor(name: string) {
    this.#name = name;
    this.#source = readFileSync(new URL(`scripts/${name}.lua`, import.meta.url), 'utf8');
    this.#sha = createHash('sha1').update(this.#source).digest('hex');
  }

  /** The script's answer: a word, then what goes with it. */
  async run(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<{ readonly word: string; readonly values: readonly string[] }> {
    const reply = await this.#evaluate(client, keys, args);
    const words: unknown[] = Array.isArray(reply) ? reply : [];
    const [word, ...values] = words.map(String);
    if (word === undefined) throw new Error(`${this.#name}.lua answered no word`);
    return { word, values };
  }

  /** The failure of a word that the caller does not know. */
  unexpected(word: string): Error {
    return new Error(`${this.#name}.lua answered '${word}', which is not among its answers`);
  }

  async #evaluate(client: RedisClient, keys: readonly string[], args: readonly (string | number)[]) {
    try {
      return await client.evalsha(this.#sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!String(error).includes('NOSCRIPT')) throw error;
      return await client.eval(this.#source, keys.length, ...keys, ...args);
    }
  }
}
