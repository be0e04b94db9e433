/** Holds docs/migrations.md against the code: `UPDATE_DOCS=1` writes its tables anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { frameworks } from '../../src/migrations/frameworks.ts';
import { CASES, type Case } from './observation-cases.ts';

const path = join(import.meta.dirname, '../../docs/migrations.md');

const cell = (text: string): string => text.replace(/\s+/g, ' ').trim().replaceAll('|', '\\|');

function row({ name, sql, data = [], objects = [] }: Case): string {
  const seen = [...data, ...objects];
  const shown = seen.length === 0 ? 'nothing' : seen.slice(0, 3).map(cell).join('<br>');
  const more = seen.length > 3 ? `<br>and ${seen.length - 3} more` : '';
  return `| ${cell(name)} | \`${cell(sql).replaceAll('`', "'")}\` | ${shown}${more} |`;
}

const observations = [
  '| case | SQL | what the dry run shows |',
  '|---|---|---|',
  ...CASES.map(row),
].join('\n');

/** The text between the two marks of a generated part. */
function part(text: string, name: string): readonly [number, number] {
  const [open, close] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  assert.ok(from >= 0 && to > from, `docs/migrations.md has no part ${name}`);
  return [from + open.length, to];
}

test('the table of observations is made from the cases that the tests run', () => {
  const text = readFileSync(path, 'utf8');
  const [from, to] = part(text, 'observations');
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(path, text.slice(0, from) + observations + text.slice(to));
    return;
  }
  assert.equal(text.slice(from, to), observations);
});

test('every framework that is known has a row, and no row is of another', () => {
  const text = readFileSync(path, 'utf8');
  const [from, to] = part(text, 'frameworks');
  const rows = text.slice(from, to).split('\n').slice(2);
  const named = rows.map((line) => /^\| `([^`]+)`/.exec(line)?.[1] ?? line);
  assert.deepEqual(named.toSorted(), [...new Set(frameworks.map(({ name }) => name))].toSorted());
});
