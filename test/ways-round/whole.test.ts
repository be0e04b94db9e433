/** Ways round that end in the sandbox, in the log or in the people: the whole server, nothing left out. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../src/cli.ts';
import { VERIFY_EXIT } from '../../src/cli/verify.ts';
import { exceptionsIn } from '../../src/core/report/period.ts';
import { connect, type Sql, sqlStateOf } from '../../src/store/connect.ts';
import type { Repo } from '../github/index.ts';
import type { Pull } from '../github/pull.ts';
import { spend } from '../github/rate.ts';
import type { Run } from '../github/repo.ts';
import { rest } from '../reliability/server.ts';
import { tagoutCheck, until, words } from '../story/scene.ts';
import { work } from './line.ts';
import { periodOfRecord } from './record.ts';
import { openServer, type Server } from './server.ts';

const home = mkdtempSync(join(tmpdir(), 'tagout-whole-'));
const dump = join(home, 'production.sql');
/** What would be written if anything of a pull request ran where it must not. */
const mark = join(home, 'escaped');

let server: Server;
before(async () => {
  server = await openServer({ snapshots: new Map([['*', dump]]) });
});
after(async () => {
  await server.close();
  rmSync(home, { recursive: true });
});

const USERS =
  'CREATE TABLE users (id serial PRIMARY KEY, email text);\nCREATE TABLE jobs (id serial PRIMARY KEY);\n';
const history = { 'db/migration/V1__users.sql': USERS };

/** A migration in its file; versions that do not meet, so that branches do not conflict. */
function step(version: number, sql: string): Record<string, string> {
  return { [`db/migration/V${version}__step.sql`]: `${sql}\n` };
}

async function said(repo: Repo, pull: Pull, conclusion = 'action_required'): Promise<string> {
  return until(`#${pull.number} says ${conclusion}`, () => {
    const check = tagoutCheck(repo, pull.headSha);
    return check?.conclusion === conclusion ? words(check) : null;
  });
}

async function noted(run: Run, text: RegExp): Promise<string> {
  return until(
    `run ${run.id} is told ${text}`,
    () => run.notes.find((note) => text.test(note)) ?? null,
  );
}

/** The radius that the label says; it is written after the check. */
async function radiusOf(pull: Pull): Promise<string> {
  return until(`#${pull.number} has its label`, () => pull.labels[0] ?? null);
}

/** Waits for a second of GitHub's clock to be over: its times are whole seconds. */
const second = (): Promise<void> => sleep(1_100);

test('B28 one change loads the gun and another pulls the trigger: together they are critical', async () => {
  const repo = await server.shop(history);
  const load = await work(repo, {
    files: step(
      2,
      'CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM users; RETURN NEW; END $$;\n' +
        'CREATE TRIGGER wipes AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION wipe();',
    ),
  });
  const pull = await work(repo, { files: step(3, 'INSERT INTO jobs DEFAULT VALUES;') });
  for (const one of [load, pull]) {
    await said(repo, one);
    assert.doesNotMatch(await radiusOf(one), /critical/, 'alone it is not grave');
    await one.review({ by: 'octavia' });
    await said(repo, one, 'success');
  }
  await load.merge({ by: 'maria', method: 'squash' });
  const sha = await pull.merge({ by: 'maria', method: 'squash' });
  const run = await repo.startRun({ actor: 'maria', sha });
  await noted(run, /needs 2 .*critical|critical.* needs 2/s);
  assert.equal(run.state, 'waiting');
  await second();
  for (const by of ['octavia', 'olaf']) await pull.review({ by });
  await until('two people who saw it release it', () => (run.state === 'success' ? true : null));
});

test('B30 a migration that asks where it runs is held as high; its twin is not', async () => {
  const repo = await server.shop(history);
  const evades = [
    "DO $$ BEGIN IF current_database() = 'production' THEN DROP TABLE users; END IF; END $$;",
    "DO $$ BEGIN IF now() > '2027-01-01' THEN DELETE FROM users; END IF; END $$;",
  ];
  for (const [at, sql] of evades.entries()) {
    const pull = await work(repo, { files: step(10 + at, sql) });
    const text = await said(repo, pull);
    assert.match(await radiusOf(pull), /high/, sql);
    assert.match(text, /otherwise|depends|asks/i, sql);
  }
  const honest = await work(repo, { files: step(20, 'ALTER TABLE users ADD COLUMN note text;') });
  await said(repo, honest);
  assert.match(await radiusOf(honest), /medium/);
});

test('B31 what attacks the sandbox or the app gets nowhere, and is critical', async () => {
  const repo = await server.shop(history);
  const script = `{ "scripts": { "preinstall": "touch ${mark}", "test": "touch ${mark}" } }\n`;
  const attacks = [
    `COPY users TO PROGRAM 'touch ${mark}';`,
    `COPY users TO '${mark}';`,
    `SELECT lo_export(lo_from_bytea(0, 'x'), '${mark}');`,
  ];
  for (const [at, sql] of attacks.entries()) {
    const files = { ...step(10 + at, sql), 'package.json': script };
    const pull = await work(repo, { files });
    const text = await said(repo, pull);
    assert.match(await radiusOf(pull), /critical/, sql);
    assert.match(text, /permission denied|must be superuser|42501/, sql);
    assert.equal(existsSync(mark), false, sql);
  }
});

test('B39 a hurried approval of something grave counts, and the report names who gave it', async () => {
  const repo = await server.shop();
  const pull = await work(repo, { files: { Dockerfile: 'FROM scratch\n' } });
  await said(repo, pull);
  const gate = await repo.startRun({ actor: 'maria', sha: await pull.merge({ by: 'maria' }) });
  await noted(gate, /needs 1/);
  await second();
  await pull.review({ by: 'octavia' });
  await until('it is released', () => (gate.state === 'success' ? true : null));
  await server.gh.settled();
  const period = await periodOfRecord(server, repo);
  const quick = [...exceptionsIn(period)].filter(({ type }) => type === 'quick-approval');
  assert.deepEqual(
    quick.map(({ runId, detail }) => [runId, detail.split(':')[0]]),
    [[gate.id, 'octavia']],
  );
});

/** As whoever holds the machine: past every role of ours. */
async function root<T>(act: (sql: Sql) => Promise<T>): Promise<T> {
  const url = await server.tagout.rootUrl();
  const sql = connect({ url, role: null }, { name: 'root', max: 1 });
  try {
    return await act(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** The SQLSTATE that a statement ends with; it is taken back in any case. */
async function stateOf(sql: Sql, statement: string): Promise<string> {
  try {
    await sql.begin(async (tx) => {
      await tx.unsafe(statement);
      throw new Error('taken back');
    });
    return 'ok';
  } catch (error) {
    return sqlStateOf(error) ?? 'ok';
  }
}

test('B48 neither the server nor a migration of ours can change what was recorded', async () => {
  const repo = await server.shop();
  await said(repo, await work(repo));
  const { sql } = server.tagout.served.store;
  const acts = [
    'update audit.event set body = body',
    'delete from audit.event',
    'truncate audit.event cascade',
  ];
  for (const act of acts) {
    assert.equal(await stateOf(sql, act), '42501', act);
    const asOwner = `set local role tagout_owner; ${act}`;
    assert.equal(await root((one) => stateOf(one, asOwner)), '42501', asOwner);
  }
  assert.ok((await server.events(repo)) >= 1);
});

test('B47 a decision forged in the database by its superuser is found by `verify`', async () => {
  const repo = await server.shop();
  const pull = await work(repo);
  await said(repo, pull);
  await rest({ gh: server.gh, sql: server.tagout.served.store.sql });
  const { store } = server.tagout.served;
  const logId = server.gh.installation('acme').id;
  await store.sealer.sealNow(logId);
  const key = store.key.vkey(logId);
  const database = await server.tagout.rootUrl();
  /** The exit code of the command that an auditor runs. */
  const verify = (): Promise<number> =>
    run(['verify', '--database-url', database, '--key', key], {
      env: {},
      cwd: home,
      now: Date.now,
      out: () => {},
      err: () => {},
    });
  assert.equal(await verify(), VERIFY_EXIT.intact);
  await root((sql) =>
    sql.begin(async (tx) => {
      await tx`alter table audit.event disable trigger all`;
      await tx`update audit.event set body = replace(body, '"hold"', '"allow"')
        where kind = 'decision.made' and (doc->'repo'->>'id')::bigint = ${repo.id}`;
      await tx`alter table audit.event enable trigger all`;
    }),
  );
  assert.equal(await verify(), VERIFY_EXIT.tampered);
});

test('a backup that is too old holds what is grave; a newer one releases it by itself', async () => {
  const policy = [
    'version: 1',
    'environments:',
    '  production:',
    '    match: [production]',
    '    backup: { from: high, maxAge: 24h, restoreWithin: 30m }',
    'migrations:',
    '  baseline: snapshot',
    '',
  ].join('\n');
  const rows = `${USERS}INSERT INTO users (email) VALUES ('a'), ('b');\n`;
  writeFileSync(dump, `${rows}--\n-- PostgreSQL database dump complete\n--\n`);
  const days = Date.now() / 1000 - 3 * 86_400;
  utimesSync(dump, days, days);
  const repo = await server.shop({ ...history, '.github/tagout.yml': policy });
  const pull = await work(repo, { files: step(2, 'ALTER TABLE users DROP COLUMN email;') });
  assert.match(await said(repo, pull), /newest backup is 3 d.* old/);
  assert.match(await radiusOf(pull), /high|critical/);
  await second();
  for (const by of ['octavia', 'olaf']) await pull.review({ by });
  const run = await repo.startRun({ actor: 'maria', sha: await pull.merge({ by: 'maria' }) });
  const note = await noted(run, /newest backup is 3 d.* old/);
  assert.match(note, /TAGOUT_SNAPSHOT/);
  assert.equal(run.state, 'waiting');
  const now = Date.now() / 1000;
  utimesSync(dump, now, now);
  await until('the newer backup releases it', () => (run.state === 'success' ? true : null));
});

test('B38 a flood takes the allowance of the hour, and production gates are judged all the same', async () => {
  const repo = await server.shop();
  const good = await work(repo, { author: 'maria' });
  await said(repo, good);
  await good.review({ by: 'octavia' });
  await said(repo, good, 'success');
  const sha = await good.merge({ by: 'maria' });
  await server.gh.settled();
  spend(server.gh.world, server.gh.app.bot.login, 4_700);
  const first = await repo.startRun({ actor: 'maria', sha });
  await until('the first gate is judged', () => (first.state === 'success' ? true : null));
  const flood: Pull[] = [];
  for (let at = 0; at < 12; at += 1) flood.push(await work(repo));
  const next = await repo.startRun({ actor: 'maria', sha });
  await until('the next gate as well', () => (next.state === 'success' ? true : null));
  await server.gh.settled();
  for (const { headSha } of flood) assert.equal(tagoutCheck(repo, headSha), null, 'it waits');
});
