/** The disk cap counts dumps that were fetched, and takes the least recently used first. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BaselineCache } from '../../src/sandbox/cache.ts';

const home = mkdtempSync(join(tmpdir(), 'tagout-cache-test-'));
after(() => rmSync(home, { recursive: true, force: true }));

function dump(name: string, bytes: number, ageSeconds: number): string {
  mkdirSync(join(home, 'snapshots'), { recursive: true });
  const path = join(home, 'snapshots', name);
  writeFileSync(path, Buffer.alloc(bytes));
  writeFileSync(`${path}.json`, '{}');
  const used = new Date(Date.now() - ageSeconds * 1000);
  utimesSync(`${path}.json`, used, used);
  return path;
}

function prepared(cache: BaselineCache, key: string, bytes: number): void {
  const folder = join(home, 'partial', key);
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'rows'), Buffer.alloc(bytes));
  cache.keep(key, folder);
}

test('dumps go with what is prepared, the oldest first, and with their notes', () => {
  mkdirSync(join(home, 'baselines'), { recursive: true });
  const cache = new BaselineCache(home, 1000);
  const [old, recent] = [dump('old', 600, 3600), dump('recent', 300, 60)];
  prepared(cache, 'one', 100);
  assert.deepEqual([existsSync(old), existsSync(recent)], [true, true], 'at the cap all are kept');
  prepared(cache, 'two', 100);
  assert.deepEqual([existsSync(old), existsSync(`${old}.json`)], [false, false]);
  assert.deepEqual([existsSync(recent), existsSync(`${recent}.json`)], [true, true]);
  assert.ok(cache.find('one') !== null && cache.find('two') !== null);
});
