/** Holds docs/agents.md against the JSON that a check and `tagout check --json` really give. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');
const page = read('../docs/agents.md');
const object = z.record(z.string(), z.unknown());

/** The keys in the first column of a part of the page. */
function documented(part: string): readonly string[] {
  const table = page.split(`<!-- ${part} -->`)[1]?.split(`<!-- /${part} -->`)[0] ?? '';
  const rows = table.split('\n').filter((row) => row.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, key = '']) => key),
  );
}

/** The check that the local GitHub received, as its golden text has it. */
function block(): Record<string, unknown> {
  const text = read('golden/held-values-lost.md');
  const json = [...text.matchAll(/```json\n([^]*?)```/g)].at(-1)?.[1];
  return object.parse(JSON.parse(json ?? 'null'));
}

test('the block of the check has the keys of the page, in their order', () => {
  assert.deepEqual(Object.keys(block()), documented('block'));
});

test('tagout check --json has these and those of the second table', () => {
  const command = object.parse(JSON.parse(read('golden/check-held.json')));
  assert.deepEqual(
    Object.keys(command).toSorted(),
    [...documented('block'), ...documented('command')].toSorted(),
  );
});

test('what the page says of a finding is what a finding has', () => {
  const [finding] = z.array(object).parse(block()['findings']);
  const row = page.split('\n').find((line) => line.startsWith('| `findings` |')) ?? '';
  const named = [...row.matchAll(/`(\w+)`/g)].map(([, key = '']) => key);
  for (const key of Object.keys(finding ?? {})) assert.ok(named.includes(key), key);
  const levels = /`level` \(([^)]*)\)/.exec(row)?.[1];
  assert.equal(levels, '`danger`, `advice`, `note`');
});

test('the version is 1, and a key of version 1 is never taken away', () => {
  assert.equal(block()['tagout'], 1);
  const first = ['verdict', 'radius', 'codes', 'findings', 'findingsLeftOut', 'remedies'];
  const later = ['needed', 'counted', 'refused', 'shown'];
  for (const key of [...first, ...later]) assert.ok(key in block(), key);
});
