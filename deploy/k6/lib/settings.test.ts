/** What is written about the scripts' settings: at the top of each, and in the table of the README. */
import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';

const SCRIPTS = ['party', 'join-storm', 'broadcast', 'drawing', 'soak', 'deploy'] as const;
type Defaults = Record<string, string>;

const read = (file: string): Promise<string> => readFile(new URL(`../${file}`, import.meta.url), 'utf8');

/** Names and defaults as the code has them; what all scripts read is not in each. */
function defaultsOf(code: string, common: string): Defaults {
  const defaults: Defaults = { SUMMARY_FILE: '' };
  const calls = /\b(?:number|integer|integers|list)\('(\w+)', (\[.*?\]|[^,)]+)/g;
  for (const [, name = '', value = ''] of `${common}${code}`.matchAll(calls)) {
    defaults[name] = value.replaceAll(/[[\]'_]/g, '');
  }
  defaults['FRAMES'] = /\bform\('(\w+)'\)/.exec(code)?.[1] ?? '';
  return defaults;
}

/** Names and defaults as the comment at the top has them, in columns. */
function headOf(code: string): Defaults {
  const lines = code.slice(0, code.indexOf('*/')).split('\n');
  const first = lines.find((line) => line.startsWith(' * URL ')) ?? '';
  const [from, to] = [first.indexOf('ws://'), first.indexOf('where peers')];
  const rows = lines.slice(lines.indexOf(first)).filter((line) => /^ \* [A-Z]/.test(line));
  return Object.fromEntries(rows.map((line) => [line.slice(3, from).trim(), line.slice(from, to).trim()]));
}

/** One column of the README's table: `–` is a setting that the script does not have, an empty cell one without a default. */
function columnOf(readme: string, script: string): Defaults {
  const rows = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const head = rows.findIndex(([, name]) => name === 'Name');
  const column = rows[head]?.indexOf(script) ?? -1;
  const defaults: Defaults = {};
  for (const row of rows.slice(head + 2)) {
    const name = /^`(\w+)`$/.exec(row[1] ?? '')?.[1];
    if (name === undefined) break;
    const value = row[column] ?? '–';
    if (value !== '–') defaults[name] = value.replaceAll('`', '');
  }
  return defaults;
}

test.each(SCRIPTS)('%s reads the settings that its first comment and the README list', async (script) => {
  const [code, common, readme] = await Promise.all([
    read(`${script}.ts`),
    read('lib/settings.ts'),
    read('README.md'),
  ]);
  const defaults = defaultsOf(code, common);
  expect(Object.keys(defaults).length).toBeGreaterThan(8);
  expect(headOf(code)).toEqual(defaults);
  expect(columnOf(readme, script)).toEqual(defaults);
});
