/** Fills the generated parts of the documentation: `node test/docs/update.ts`, then read the difference. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { policyKeys } from './policy-page.ts';
import { decisionTables, filled } from './tables.ts';

for (const [name, parts] of [
  ['decision.md', decisionTables()],
  ['policy.md', { 'policy-keys': policyKeys() }],
] as const) {
  const page = join(import.meta.dirname, '../../docs', name);
  writeFileSync(page, filled(readFileSync(page, 'utf8'), parts));
  console.log(`docs/${name} written`);
}
