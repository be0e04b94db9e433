/** docs/decision.md says what the code does: its tables are generated and held equal. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { blastRadiusTable } from '../../src/core/blast-radius.ts';
import { decisionTables, filled } from './tables.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/decision.md'), 'utf8');

function source(...globs: readonly string[]): string {
  const files = globs.flatMap((glob) => globSync(glob, { cwd: root }));
  assert.ok(files.length > 0);
  return files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
}

test('the generated tables are those of the code', () => {
  const hint = 'node test/docs/update.ts fills them in';
  assert.equal(page, filled(page, decisionTables()), hint);
});

/** The sentences of the registered rules: the files of words that the rules import. */
function wordsOfRules(): string {
  const rules = [...source('src/core/rules/index.ts').matchAll(/from '\.\/([a-z-]+\.ts)'/g)];
  const files = rules.map(([, file]) => `src/core/rules/${file}`);
  const imported = source(...files).matchAll(/from '\.\.\/(words\/[a-z-]+\.ts)'/g);
  return source(...new Set([...imported].map(([, file]) => `src/core/${file}`)));
}

test('every code that a rule can give is in the page', () => {
  const codes = new Set([...wordsOfRules().matchAll(/\bcode: '([a-z-]+)'/g)].map(([, one]) => one));
  assert.ok(codes.size > 40, `${codes.size} codes`);
  const hint = 'a case in test/core/cases is missing, or node test/docs/update.ts';
  for (const one of codes) assert.ok(page.includes(`\`${one}\``), `\`${one}\`: ${hint}`);
});

test('every finding of high or critical radius has its row in the blast radius table', () => {
  const findings = source('src/core/findings/*.ts');
  const told = new Set(blastRadiusTable.flatMap((row) => row.findings));
  const graves = findings.matchAll(
    /\bid: '([a-z-]+)',\s+radius: '(?:high|critical)'|radius: '(?:high|critical)',\s+id: '([a-z-]+)'/g,
  );
  const ids = [...graves].map(([, one, other]) => one ?? other ?? '');
  assert.ok(ids.length > 10, `${ids.length} findings`);
  for (const id of ids) assert.ok(told.has(id), `\`${id}\` has no row`);
});
