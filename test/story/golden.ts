/** The golden text of the demo's check run: what changes from run to run is written as `…`. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SeenCheck } from './steps.ts';

const folder = join(import.meta.dirname, '../golden');

/** Replaces commit ids, digests, times and ports by `…`; everything else is compared to the letter. */
export function steady(text: string): string {
  return text
    .replace(/(c2sp\.org\/tlog-proof@v1\n)[^`]+(?=\n```)/g, '$1…')
    .replace(/\b[0-9a-f]{64}\b/g, '…')
    .replace(/\b[0-9a-f]{40}\b/g, '…')
    .replace(/`(commit )?[0-9a-f]{7,12}`/g, '`$1…`')
    .replace(/\b\d+(?:\.\d+)? ms\b/g, '… ms')
    .replace(/\bPostgreSQL \d+(?:\.\d+)?\b/g, 'PostgreSQL …');
}

/** Compares with the golden file, or writes it when GOLDEN=write is set. */
export async function golden(name: string, check: SeenCheck): Promise<void> {
  const { title, summary } = check.output;
  const text = `### ${title}\n\n${steady(summary ?? '').trim()}\n`;
  const path = join(folder, name);
  if (process.env['GOLDEN'] === 'write') await writeFile(path, text);
  assert.equal(text, await readFile(path, 'utf8'), `${name}: GOLDEN=write rewrites it`);
}
