/** Holds docs/migrations.md against the code: `UPDATE_DOCS=1` writes its tables anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { PRINTED_PLAN } from '../../src/core/dry-run.ts';
import { frameworks } from '../../src/migrations/frameworks.ts';
import { migrationTables, recipeOf } from './migration-tables.ts';

const path = join(import.meta.dirname, '../../docs/migrations.md');

/** Where the text between the two marks of a generated part is. */
function part(text: string, name: string): readonly [number, number] {
  const [open, close] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  assert.ok(from >= 0 && to > from, `docs/migrations.md has no part ${name}`);
  return [from + open.length, to];
}

for (const [name, wanted] of Object.entries(migrationTables())) {
  test(`the part ${name} is made from what the tests run`, () => {
    const text = readFileSync(path, 'utf8');
    const [from, to] = part(text, name);
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(path, text.slice(0, from) + wanted + text.slice(to));
      return;
    }
    assert.equal(text.slice(from, to), wanted, 'UPDATE_DOCS=1 writes it anew');
  });
}

const workflowSchema = z.object({
  on: z.literal('pull_request'),
  permissions: z.object({ contents: z.literal('read') }).strict(),
  jobs: z.object({
    plan: z.object({
      env: z.record(z.string(), z.string()),
      steps: z.array(
        z.object({
          uses: z.string().optional(),
          run: z.string().optional(),
          with: z.record(z.string(), z.unknown()).optional(),
        }),
      ),
    }),
  }),
});

function workflow(): string {
  const text = readFileSync(path, 'utf8');
  const found = /```yaml\n(# \.github\/workflows\/plan\.yml\n[^]*?)```/.exec(text)?.[1];
  assert.ok(found !== undefined, 'docs/migrations.md has the workflow');
  return found;
}

test('the workflow of the page prints the artifact that is looked for', () => {
  const { steps } = workflowSchema.parse(parse(workflow())).jobs.plan;
  const uploaded = steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
  assert.equal(uploaded?.with?.['name'], PRINTED_PLAN);
  assert.equal(uploaded?.with?.['if-no-files-found'], 'error');
  const all = steps.map(({ run = '' }) => run).join('\n');
  for (const word of ['jsonlog', 'log_statement', 'pg_dump', 'base.sql', 'tagout plan --log']) {
    assert.ok(all.includes(word), `the workflow has ${word}`);
  }
});

for (const framework of frameworks.filter((each) => recipeOf(each) !== '')) {
  test(`the workflow takes the lines of ${framework.name}`, () => {
    const lines = Object.fromEntries(
      recipeOf(framework)
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    );
    const filled = workflow()
      .replace('uses: actions/setup-node@v4', `uses: ${lines['SETUP']}`)
      .replace('INSTALL: npm ci', `INSTALL: ${JSON.stringify(lines['INSTALL'])}`)
      .replace('MIGRATE: npx knex migrate:latest', `MIGRATE: ${JSON.stringify(lines['MIGRATE'])}`);
    const { env, steps } = workflowSchema.parse(parse(filled)).jobs.plan;
    assert.equal(env['MIGRATE'], framework.recipe);
    assert.equal(env['INSTALL'], lines['INSTALL']);
    assert.ok(steps.some(({ uses }) => uses === lines['SETUP']));
    const runs = steps.filter(({ run }) => run?.includes('"$MIGRATE"') === true);
    assert.equal(runs.length, 2, 'once on the base branch, once on the change');
  });
}
