/**
 * The published schema of the policy file is the one that the code reads by. After a change of the
 * policy: `TAGOUT_WRITE_SCHEMA=1 node --test test/setup/schema.test.ts` writes it anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { policyJsonSchema } from '../../src/core/policy-schema.ts';

const file = join(import.meta.dirname, '..', '..', 'docs', 'tagout.schema.json');

function published(): unknown {
  if (process.env['TAGOUT_WRITE_SCHEMA'] === '1') {
    writeFileSync(file, `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

test('docs/tagout.schema.json is the schema of the policy file', () => {
  assert.deepEqual(published(), JSON.parse(JSON.stringify(policyJsonSchema())));
});

test('it takes a policy, and names what is wrong in another', () => {
  const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')));
  const good = parse(`
version: 1
agents: [{ name: acme-coder, ids: [987654], operators: [octocat] }]
environments:
  production:
    match: [production, "prod-*"]
    reviews: { high: { count: 1, maxAge: 3d, teams: [platform] } }
migrations: { postgres: 16, folders: [{ path: drizzle, framework: drizzle }] }
`);
  assert.equal(validate(good), true, JSON.stringify(validate.errors));
  assert.equal(validate({ version: 1, enviroments: {} }), false);
  assert.equal(validate({ version: 1, migrations: { postgres: 'sixteen' } }), false);
});
