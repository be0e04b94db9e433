/** Ways to make a migration invisible. None may end in a plan without problems or in no plan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MigrationSettings } from '../../src/core/policy.ts';
import { planMigrations, touchesMigrations, unclaimedSql } from '../../src/migrations/plan.ts';
import { fixture } from './fixtures.ts';
import { type Content, type Files, laidOver, treeOf } from './tree.ts';

type Change = Readonly<Record<string, Content | null>>;
const DROP = 'DROP TABLE users;\n';

async function look(base: Files, change: Change, folders: MigrationSettings['folders'] = null) {
  const [before, after] = [treeOf(base), treeOf(laidOver(base, change))];
  const plans = await planMigrations({ base: before, head: after, settings: { folders } });
  const problems = plans.flatMap((plan) => plan.problems);
  return {
    plans,
    messages: problems.map((each) => each.message),
    problems: problems.map(({ code, path }) => `${code} ${path}`),
    pending: plans.flatMap((plan) => plan.pending),
    unclaimed: unclaimedSql(before, after, plans),
    touches: touchesMigrations(Object.keys(change), before),
  };
}

const prisma = fixture('prisma').base;
const drizzle = fixture('drizzle').base;

function journalWith(tag: string): string {
  const text = drizzle['drizzle/meta/_journal.json'];
  assert.ok(text instanceof Uint8Array);
  const journal: unknown = JSON.parse(new TextDecoder().decode(text));
  assert.ok(typeof journal === 'object' && journal !== null && 'entries' in journal);
  assert.ok(Array.isArray(journal.entries));
  return JSON.stringify({
    ...journal,
    entries: [...journal.entries, { tag, when: 1800000000000 }],
  });
}

test('SQL outside every folder is handed to the caller by name', async () => {
  const seen = await look(drizzle, { 'scripts/fix.sql': DROP, 'Scripts/0002_x.SQL': DROP });
  assert.deepEqual([seen.problems, seen.pending], [[], []]);
  assert.deepEqual(seen.unclaimed, ['Scripts/0002_x.SQL', 'scripts/fix.sql']);
  assert.ok(seen.touches);
});

test('a folder of another case is not the folder of the framework, and its SQL is still run', async () => {
  const seen = await look(drizzle, { 'Drizzle/0002_x.SQL': DROP });
  assert.deepEqual(
    seen.plans.map((plan) => [plan.framework, plan.folder]),
    [['plain', 'Drizzle']],
  );
  assert.equal(seen.pending[0]?.sql, DROP);
});

test('a new link named like a folder of migrations', async () => {
  const seen = await look({}, { 'db/migrations': { mode: '120000', content: '/etc' } });
  assert.deepEqual(seen.problems, ['unreadable db/migrations']);
});

test('a symbolic link as a migration is not read and not passed over', async () => {
  const link = { mode: '120000', content: '../../secret.sql' };
  const path = 'prisma/migrations/20250101000000_x/migration.sql';
  const seen = await look(prisma, { [path]: link });
  assert.ok(seen.problems.includes(`unreadable ${path}`));
  assert.match(seen.messages.join(), /symbolic link/);
});

test('a symbolic link or submodule in place of a folder of migrations', async () => {
  for (const mode of ['120000', '160000']) {
    const inside = await look(prisma, {
      'prisma/migrations/20250101000000_x': { mode, content: 'elsewhere' },
    });
    assert.deepEqual(inside.problems, ['unreadable prisma/migrations/20250101000000_x'], mode);
    const gone: Record<string, Content | null> = {};
    for (const path of Object.keys(drizzle)) if (path.startsWith('drizzle/')) gone[path] = null;
    const whole = await look(drizzle, { ...gone, drizzle: { mode, content: 'elsewhere' } });
    assert.ok(whole.problems.includes('unreadable drizzle'), mode);
  }
});

test('a link as a new folder that the configuration names', async () => {
  const base = { 'drizzle.config.json': '{ "out": "./drizzle", "dialect": "postgresql" }' };
  const seen = await look(base, { drizzle: { mode: '120000', content: 'elsewhere' } });
  assert.deepEqual(seen.problems, ['unreadable drizzle']);
});

test('invalid UTF-8, NUL bytes and files over the limit are named with the cure', async () => {
  const path = 'prisma/migrations/20250101000000_x/migration.sql';
  const cases: readonly (readonly [Content, RegExp])[] = [
    [new Uint8Array([0x53, 0xff, 0xfe]), /is not valid UTF-8; save it again as UTF-8/],
    ['DROP\0 TABLE users;', /NUL byte at offset 4/],
    [{ sizeBytes: 50 * 1024 * 1024, content: DROP }, /50 MB large .* split it/],
  ];
  for (const [content, says] of cases) {
    const seen = await look(prisma, { [path]: content });
    assert.deepEqual(seen.problems, [`unreadable ${path}`]);
    assert.match(seen.messages[0] ?? '', says);
    assert.ok(seen.messages[0]?.includes(path));
    assert.deepEqual(seen.pending, []);
  }
});

test('a file over the limit is never read', async () => {
  const path = 'prisma/migrations/20250101000000_x/migration.sql';
  const head = treeOf(laidOver(prisma, { [path]: { sizeBytes: 50 * 1024 * 1024, content: '' } }));
  await planMigrations({ base: treeOf(prisma), head, settings: { folders: null } });
  assert.ok(!head.reads.flat().includes(path));
});

test('a byte order mark goes to the server as the runner sends it; Flyway drops it', async () => {
  const seen = await look(prisma, {
    'prisma/migrations/20250101000000_x/migration.sql': `\uFEFF${DROP}`,
  });
  assert.equal(seen.pending[0]?.sql, `\uFEFF${DROP}`);
  const flyway = await look(fixture('flyway').base, { 'sql/V7__x.sql': `\uFEFF${DROP}` });
  assert.equal(flyway.pending[0]?.sql, DROP);
});

test('carriage returns hide no marker and shift no line', async () => {
  const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
  const goose = await look(fixture('goose').base, {
    'sql/00002_x.sql': crlf(`-- +goose Up\n${DROP}-- +goose Down\nSELECT 1;\n`),
  });
  assert.deepEqual(
    goose.pending.map((step) => [step.firstLine, step.sql]),
    [[2, 'DROP TABLE users;\r\n']],
  );
  const dbmate = await look(fixture('dbmate').base, {
    'db/migrations/20270101000000_x.sql': crlf(`-- migrate:up\n${DROP}-- migrate:down\n`),
  });
  assert.deepEqual(
    dbmate.pending.map((step) => [step.firstLine, step.sql]),
    [[2, 'DROP TABLE users;\r\n']],
  );
});

test('SQL behind a breakpoint on a comment line is run by Drizzle, so it is a step', async () => {
  const hidden = `SELECT 1;\n-- nothing here --> statement-breakpoint ${DROP}`;
  const seen = await look(drizzle, {
    'drizzle/meta/_journal.json': journalWith('0002_x'),
    'drizzle/0002_x.sql': hidden,
  });
  assert.deepEqual(
    seen.pending.map((step) => [step.firstLine, step.sql]),
    [
      [1, 'SELECT 1;\n-- nothing here '],
      [2, ` ${DROP}`],
    ],
  );
});

test('a breakpoint within a string, a block comment or a dollar quote cuts there too', async () => {
  const whole = `SELECT 1;--> statement-breakpoint\r\nSELECT $$a;$$;--> statement-breakpoint\n${DROP}`;
  const cases: readonly (readonly [string, number])[] = [
    [`SELECT ';--> statement-breakpoint\n';`, 2],
    [`/* a --> statement-breakpoint\n*/ SELECT 1;`, 2],
    [`DO $$ BEGIN --> statement-breakpoint\nEND $$;`, 2],
    ['SELECT 1 --> statement-breakpoint\nSELECT 2;', 2],
    [whole, 1],
  ];
  for (const [text, steps] of cases) {
    const seen = await look(drizzle, {
      'drizzle/meta/_journal.json': journalWith('0002_x'),
      'drizzle/0002_x.sql': text,
    });
    assert.equal(seen.pending.length, steps, text);
    const joined = seen.pending.map((step) => step.sql).join('--> statement-breakpoint');
    assert.equal(joined, text);
  }
});

test('goose cuts at semicolons within a block comment, so the pieces are the steps', async () => {
  const text = `-- +goose Up\n/* a;\n${DROP}*/\nSELECT 1;\n`;
  const seen = await look(fixture('goose').base, { 'sql/00002_x.sql': text });
  assert.deepEqual(
    seen.pending.map((step) => step.sql),
    ['/* a;\n', DROP, '*/\nSELECT 1;\n'],
  );
});

test('two frameworks over one folder: the base branch’s owner stays and the doubt is named', async () => {
  const supabase = fixture('supabase').base;
  const seen = await look(supabase, {
    'supabase/migrations/meta/_journal.json': '{"dialect":"postgresql","entries":[]}',
    'supabase/migrations/20270101000000_x.sql': DROP,
  });
  assert.deepEqual(
    seen.plans.map((plan) => plan.framework),
    ['supabase'],
  );
  assert.ok(seen.problems.includes('not-judged supabase/migrations'));
  assert.match(seen.messages.join(), /claimed by Supabase and Drizzle/);
  assert.equal(seen.pending[0]?.sql, DROP);
});

test('a manifest that would make another framework the owner does not', async () => {
  const golang = fixture('golang-migrate').base;
  const seen = await look(golang, {
    'Cargo.toml': '[dependencies]\nsqlx = "0.8"\n',
    'migrations/5_late.up.sql': DROP,
  });
  assert.deepEqual(
    seen.plans.map((plan) => plan.framework),
    ['golang-migrate'],
  );
  assert.ok(seen.problems.includes('not-judged migrations'));
  assert.ok(seen.problems.includes('skipped-by-runner migrations/5_late.up.sql'));
});

test('the policy’s list decides the framework; what it leaves out is not judged', async () => {
  const both = { ...drizzle, ...fixture('plain').base };
  const change: Change = {
    'db/migrations/3_x.sql': DROP,
    'drizzle/meta/_journal.json': journalWith('0002_x'),
    'drizzle/0002_x.sql': DROP,
  };
  const seen = await look(both, change, [{ path: 'db/migrations/', framework: 'plain' }]);
  assert.deepEqual(
    seen.plans.map((plan) => plan.folder),
    ['db/migrations', 'drizzle'],
  );
  assert.deepEqual(seen.problems, ['not-judged drizzle']);
  const unknown = await look(both, change, [{ path: 'db/migrations', framework: 'plaine' }]);
  assert.ok(unknown.problems.includes('not-judged db/migrations'));
  assert.match(unknown.messages[0] ?? '', /Write one of: .*plain/);
});

test('a policy with a list does not hide migrations written in code', async () => {
  const base = { ...drizzle, ...fixture('knex').base };
  const change = { 'migrations/1700000000001-drop.js': 'exports.up = () => 1;\n' };
  const seen = await look(base, change, [{ path: 'drizzle', framework: 'drizzle' }]);
  assert.deepEqual(seen.problems, [
    'not-judged migrations',
    'not-judged migrations/1700000000001-drop.js',
  ]);
  assert.ok(seen.touches);
});

test('a listed folder that is not named like one is planned all the same', async () => {
  const base = { 'data/steps/1_a.sql': 'SELECT 1;\n' };
  const folders = [{ path: './data/steps', framework: 'plain' }];
  const seen = await look(base, { 'data/steps/2_b.sql': DROP }, folders);
  assert.deepEqual(
    seen.pending.map((step) => step.path),
    ['data/steps/2_b.sql'],
  );
  const unlisted = await look(base, { 'data/steps/2_b.sql': DROP });
  assert.deepEqual(unlisted.unclaimed, ['data/steps/2_b.sql']);
});

test('a suppression comment in a new file is advice at its line, one in a string is not', async () => {
  const seen = await look(prisma, {
    'prisma/migrations/20250101000000_x/migration.sql': `-- note\n-- squawk-ignore ban-drop-table\n${DROP}SELECT 'squawk-ignore';\n`,
  });
  assert.deepEqual(
    seen.plans.flatMap((plan) => plan.problems.map((each) => [each.code, each.line])),
    [['suppression-added', 2]],
  );
});

test('folders of other databases are recognised and reported', async () => {
  const base = { 'db/clickhouse/migrations/1_a.up.sql': 'SELECT 1;\n' };
  const seen = await look(base, { 'db/clickhouse/migrations/2_b.up.sql': 'SELECT 2;\n' });
  assert.equal(seen.plans[0]?.dialect, 'other');
  assert.deepEqual(seen.problems, ['not-judged db/clickhouse/migrations']);
});

test('old disorder that the change did not make is not its fault', async () => {
  const base = { ...drizzle, 'drizzle/0009_lost.sql': DROP, 'drizzle/notes.sql': '-- notes\n' };
  const seen = await look(base, {
    'drizzle/meta/_journal.json': journalWith('0002_x'),
    'drizzle/0002_x.sql': DROP,
  });
  assert.deepEqual(seen.problems, []);
});

test('the root as a folder of migrations does not claim the whole repository', async () => {
  const base = { '1_a.up.sql': 'SELECT 1;\n', 'src/a.txt': 'a' };
  const seen = await look(base, { '2_b.up.sql': DROP, 'src/b.sql': DROP, 'src/a.txt': 'b' });
  assert.deepEqual(
    seen.pending.map((step) => step.path),
    ['2_b.up.sql'],
  );
  assert.deepEqual(seen.unclaimed, ['src/b.sql']);
});

test('an ordinary change touches nothing, and nothing is read for it', async () => {
  const change = { 'README.md': 'new', 'src/index.ts': 'export {};\n' };
  const base = treeOf(prisma);
  const head = treeOf(laidOver(prisma, change));
  assert.equal(touchesMigrations(Object.keys(change), base), false);
  assert.deepEqual(await planMigrations({ base, head, settings: { folders: null } }), []);
  assert.deepEqual([base.reads, head.reads], [[], []]);
});

test('what one tree cannot give is a problem of that file', async () => {
  const path = 'prisma/migrations/20250101000000_x/migration.sql';
  const head = treeOf(laidOver(prisma, { [path]: DROP }));
  const lossy = {
    ...head,
    read: async (paths: readonly string[]) => {
      const all = new Map(await head.read(paths));
      all.delete(path);
      return all;
    },
  };
  const plans = await planMigrations({
    base: treeOf(prisma),
    head: lossy,
    settings: { folders: null },
  });
  assert.equal(plans[0]?.problems[0]?.code, 'unreadable');
});
