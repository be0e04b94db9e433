/** The doctor's look at its own machine: database, engines, disk, and the log's key. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { judgeMachine } from '../../src/cli/doctor/machine.ts';
import type { ServeSettings } from '../../src/cli/settings.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { openLogKey } from '../../src/store/key.ts';
import { migrate } from '../../src/store/migrate.ts';
import { keptIo } from '../cli/io.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'tagout-machine-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));

async function look(change: Partial<ServeSettings> = {}, majors: readonly number[] = []) {
  const settings: ServeSettings = {
    databaseUrl: null,
    databaseOwnerUrl: null,
    dataDir,
    appId: 7,
    privateKey: '',
    webhookSecret: '',
    githubApiUrl: 'https://api.github.com',
    port: 0,
    host: '127.0.0.1',
    publicUrl: null,
    logLevel: 'silent',
    ...change,
  };
  const findings = await judgeMachine(settings, keptIo(), majors);
  return Object.fromEntries(findings.map((one) => [one.id, one]));
}

test('nothing there yet: advice, and nothing is made by looking', async () => {
  const found = await look({ dataDir: join(dataDir, 'none', 'yet') });
  assert.equal(found['database-at-rest']?.level, 'advice');
  assert.equal(found['log-key-missing']?.level, 'advice');
  assert.equal(found['engine']?.level, 'guarded');
  const again = await look({ dataDir: join(dataDir, 'none', 'yet') });
  assert.equal(again['log-key-missing']?.level, 'advice');
});

test("the log's key: only its owner may read it, and it must be one", async () => {
  openLogKey(join(dataDir, 'audit.key'), 'test');
  assert.equal((await look())['log-key']?.level, 'guarded');
  const other = join(dataDir, 'open');
  openLogKey(join(other, 'audit.key'), 'test');
  writeFileSync(join(other, 'audit.key'), 'not a key', { mode: 0o600 });
  assert.equal((await look({ dataDir: other }))['log-key-broken']?.level, 'open');
});

test('a database that is away, one without our tables, and one with them', async (t) => {
  const url = 'postgres://app:hippopotamus@127.0.0.1:9/tagout';
  const away = (await look({ databaseUrl: url }))['database-away'];
  assert.equal(away?.level, 'open');
  assert.doesNotMatch(JSON.stringify(away), /hippopotamus/);
  const engine = await findEngine({});
  const place = { engine, dataDir: join(dataDir, 'store'), database: 'tagout' };
  const cluster = await openStoreCluster(place);
  t.after(() => cluster.stop('fast'));
  assert.equal((await look())['database']?.level, 'guarded', 'the embedded one runs');
  const databaseUrl = cluster.url(SUPERUSER, 'tagout');
  const old = (await look({ databaseUrl }))['database-old'];
  assert.equal(old?.level, 'open');
  assert.equal(old?.mend?.command, 'npx tagout migrate');
  await migrate(databaseUrl);
  assert.equal((await look({ databaseUrl }))['database']?.level, 'guarded');
});

test('a version that a policy asks for and that is not here is told', async () => {
  const found = await look({}, [99]);
  assert.equal(found['engine-missing']?.level, 'advice');
  assert.match(found['engine-missing']?.about ?? '', /PostgreSQL 99/);
});
