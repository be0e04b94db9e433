/** The doctor's look at its own machine: database, engines, disk, and the log's key. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { judgeMachine } from '../../src/cli/doctor/machine.ts';
import type { ServeSettings } from '../../src/cli/settings.ts';
import { SUPERUSER } from '../../src/postgres/cluster.ts';
import { findEngine } from '../../src/postgres/engine.ts';
import { openStoreCluster } from '../../src/postgres/store-cluster.ts';
import { connect } from '../../src/store/connect.ts';
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

test('a disk with nothing free is open, and the folder is named', async () => {
  // Linux's /proc is a file system without any space of its own.
  const found = (await look({ dataDir: '/proc/tagout' }))['disk-low'];
  assert.equal(found?.level, 'open');
  assert.match(found?.says ?? '', /^0 MB are free\./);
  assert.equal(found?.mend?.place, '/proc/tagout');
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

  assert.equal((await look({ databaseUrl }))['anchors-none']?.level, 'advice');
  const git = { url: 'git@example.invalid:acme/anchors.git', branch: 'b', keyPath: null };
  const anchors = {
    git: { ...git, token: null },
    witness: null,
    stamp: null,
    bucket: null,
    paidEveryMs: 300_000,
  };
  const fresh = (await look({ databaseUrl, anchors }))['anchor'];
  assert.equal(fresh?.level, 'guarded', 'nothing waits');
  const sql = connect({ url: databaseUrl, role: null }, { name: 'test', max: 1 });
  t.after(() => sql.end());
  const dayMs = 86_400_000;
  await sql`insert into audit.checkpoint (log_id, tree_size, root_hash, frontier, note, sealed_ms)
    values (5, 1, sha256('x'), '{}', 'n', ${keptIo().now() - 2 * dayMs}::bigint)`;
  const late = (await look({ databaseUrl, anchors }))['anchor-late'];
  assert.equal(late?.level, 'open');
  assert.match(late?.says ?? '', /1 log for 2 days/);
  const locator = `${late?.about.replace('anchor ', '')}@abc`;
  await sql`insert into audit.anchor (log_id, tree_size, kind, locator, at_ms)
    values (5, 1, 'git', ${locator}, ${keptIo().now()}::bigint)`;
  assert.equal((await look({ databaseUrl, anchors }))['anchor']?.level, 'guarded');
  // The embedded store is asked in the same way, while somebody runs it.
  assert.equal((await look({ anchors }))['anchor']?.level, 'guarded');
  const gone = await look({ databaseUrl: url, anchors });
  assert.equal(gone['anchors-unseen']?.level, 'unknown');
});

test('the public address is asked as a ping', async (t) => {
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? status : 404).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const publicUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  assert.equal((await look({ publicUrl }))['reachable']?.level, 'guarded');
  status = 302;
  assert.match((await look({ publicUrl }))['not-reachable']?.says ?? '', /status 302/);
  const closed = await look({ publicUrl: 'http://127.0.0.1:9' });
  assert.match(closed['not-reachable']?.says ?? '', /no connection/);
});

test('a version that a policy asks for and that is not here is told', async () => {
  const found = await look({}, [99]);
  assert.equal(found['engine-missing']?.level, 'advice');
  assert.match(found['engine-missing']?.about ?? '', /PostgreSQL 99/);
});
