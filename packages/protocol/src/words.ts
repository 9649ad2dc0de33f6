/** Finds a short ASCII word among a few, in bytes, without making a string of them. */

interface Word {
  readonly index: number;
  readonly letters: Uint8Array;
}

export class Words<Text extends string> {
  readonly list: readonly Text[];
  readonly maxLength: number;
  /** By length. */
  readonly #words: readonly (readonly Word[])[];

  constructor(list: readonly Text[]) {
    this.list = list;
    this.maxLength = Math.max(...list.map((word) => word.length));
    const words: Word[][] = Array.from({ length: this.maxLength + 1 }, () => []);
    list.forEach((word, index) => {
      words[word.length]?.push({ index, letters: Uint8Array.from(word, (letter) => letter.charCodeAt(0)) });
    });
    this.#words = words;
  }

  /** Index in `list` of the word that the bytes from `start` up to `end` spell; -1 when it is none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > this.maxLength) return -1;
    for (const { index, letters } of this.#words[length] ?? []) {
      let i = 0;
      while (i < length && bytes[start + i] === letters[i]) i += 1;
      if (i === length) return index;
    }
    return -1;
  }
}
