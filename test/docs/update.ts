/** Fills the generated parts of the documentation: `node test/docs/update.ts`, then read the difference. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decisionTables, filled } from './tables.ts';

const page = join(import.meta.dirname, '../../docs/decision.md');
writeFileSync(page, filled(readFileSync(page, 'utf8'), decisionTables()));
console.log('docs/decision.md written');
