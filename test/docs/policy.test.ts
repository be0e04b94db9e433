/** docs/policy.md says what the policy file may say: its tables are made from the schema. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDocument } from 'yaml';
import { policyFileSchema, policyJsonSchema } from '../../src/core/policy-schema.ts';
import { POLICY_KEYS } from '../../src/core/words/policy-keys.ts';
import { keysOf, policyKeys } from './policy-page.ts';
import { filled } from './tables.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8');

test('the generated tables are those of the schema', () => {
  const hint = 'node test/docs/update.ts fills them in';
  assert.equal(page, filled(page, { 'policy-keys': policyKeys() }), hint);
});

test('every key has words, and every word a key', () => {
  const schema = policyJsonSchema();
  const definitions = Object.entries(schema['$defs'] ?? {});
  const keys = [schema, ...definitions].flatMap((one) =>
    Array.isArray(one) ? keysOf(one[1], one[0]) : keysOf(one),
  );
  assert.ok(keys.length > 60);
  for (const { path, means } of keys) assert.ok(means, `${path} has no words in words/policy-keys`);
  const paths = new Set(keys.map(({ path }) => path.replaceAll('.NAME', '.*')));
  for (const path of Object.keys(POLICY_KEYS)) assert.ok(paths.has(path), `${path} is no key`);
});

test('the example is a policy', () => {
  const example = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? '';
  const parsed = policyFileSchema.safeParse(parseDocument(example).toJS());
  assert.equal(parsed.success, true, parsed.error?.message);
});
