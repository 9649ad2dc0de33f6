/** What deploy/README.md tells operators to type. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '@wmbp/testkit';

/** The first block of this language below this heading, as it stands there. @throws {Error} when there is none */
export async function blockBelow(heading: string, language: 'sh' | 'yaml'): Promise<string> {
  const text = await readFile(join(ROOT, 'deploy/README.md'), 'utf8');
  const section = text.split(new RegExp(`^##+ ${heading}$`, 'm'))[1] ?? '';
  const block = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section)?.[1];
  if (block === undefined) throw new Error(`deploy/README.md has no ${language} for '${heading}'`);
  return block;
}
