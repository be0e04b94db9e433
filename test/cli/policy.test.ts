/** `tagout policy`: a sound file, a broken one, none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { keptIo } from './io.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagout-policy-'));
after(() => rmSync(folder, { recursive: true }));

test('a sound policy is said to be sound, and explained with every key', async () => {
  writeFileSync(join(folder, 'good.yml'), 'version: 1\nundeclared: human\n');
  const io = keptIo({}, folder);
  assert.equal(await run(['policy', 'validate', 'good.yml'], io), 0);
  assert.match(io.printed.out, /good\.yml is sound\./);
  const more = keptIo({}, folder);
  assert.equal(await run(['policy', 'explain', 'good.yml'], more), 0);
  const explained = JSON.parse(more.printed.out);
  assert.equal(explained.policy.undeclared, 'human');
  assert.equal(explained.policy.environments.production.reviews.critical.count, 2);
});

test('a broken policy names line and key, and holds', async () => {
  writeFileSync(join(folder, 'bad.yml'), 'version: 1\nundeclred: human\n');
  for (const command of ['validate', 'explain']) {
    const io = keptIo({}, folder);
    assert.equal(await run(['policy', command, 'bad.yml'], io), 10);
    assert.match(io.printed.err, /undeclred/);
    assert.match(io.printed.err, /everything that it would speak for holds/);
  }
});

test('a file that is not there is a fault with its name', async () => {
  const io = keptIo({}, folder);
  assert.equal(await run(['policy', 'validate', 'none.yml'], io), 1);
  assert.match(io.printed.err, /none\.yml cannot be read \(ENOENT\)/);
});
