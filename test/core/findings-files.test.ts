import assert from 'node:assert/strict';
import { test } from 'node:test';
import { radiusOf } from '../../src/core/blast-radius.ts';
import type { ChangedFile } from '../../src/core/evidence.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, adding, aFile, aFolder, aRun } from './change.ts';

const paths = (...files: ChangedFile[]) =>
  findingsOf(aChange({ files }), defaultPolicy).map(({ id, radius }) => `${radius} ${id}`);

for (const [path, expected] of [
  ['.github/tagout.yml', 'critical policy-changed'],
  ['.github/CODEOWNERS', 'critical codeowners-changed'],
  ['docs/CODEOWNERS', 'critical codeowners-changed'],
  ['.github/actions/deploy/action.yml', 'high workflow-changed'],
  ['.gitattributes', 'high git-attributes-changed'],
  ['main.tf', 'high infrastructure-changed'],
  ['Dockerfile', 'high container-or-deploy-changed'],
  ['deploy/app.yaml', 'high container-or-deploy-changed'],
  ['alembic/versions/1_x.py', 'high migration-changed'],
  ['package-lock.json', 'medium lockfile-changed'],
  ['src/app.ts', 'medium code-changed'],
  ['deploy/README.md', 'low documentation-changed'],
  ['test/app.test.ts', 'low tests-changed'],
] as const) {
  test(`path ${path}`, () => assert.deepEqual(paths(aFile(path)), [expected]));
}

test('ordinary files are one note with a count; the former name of a file counts too', () => {
  const files = Array.from({ length: 30 }, (_, at) => aFile(`src/f${at}.ts`));
  const found = findingsOf(aChange({ files }), defaultPolicy);
  assert.deepEqual([found.length, found[0]?.figures], [1, { files: 30 }]);
  const moved = aFile('old/rules', { status: 'renamed', previousPath: '.github/CODEOWNERS' });
  assert.ok(paths(moved).includes('critical codeowners-changed'));
});

test('submodules, links, binaries, LFS pointers and hidden characters are medium', () => {
  assert.ok(paths(aFile('lib/x', { mode: '160000' })).includes('medium submodule-changed'));
  assert.ok(paths(aFile('lib/x', { mode: '120000' })).includes('medium symlink-changed'));
  assert.ok(paths(aFile('a.bin', { patch: null })).includes('medium binary-changed'));
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0';
  assert.ok(paths(adding('a.bin', pointer)).includes('medium lfs-pointer-changed'));
  assert.ok(paths(adding('a.ts', 'ok\nif (a\u202e) {')).includes('medium hidden-characters'));
  assert.deepEqual(paths(adding('a.ts', '\ufeffconst a = "👩\u200d💻 é";')), [
    'medium code-changed',
  ]);
});

const workflow = (environment: string) =>
  `jobs:\n  ship:\n    environment: ${environment}\n    runs-on: x\n    steps: []\n`;

test('a name with invisible characters is told, whatever the file holds', () => {
  const path = 'src/a\u202eb.ts';
  const found = findingsOf(aChange({ files: [aFile(path)] }), defaultPolicy);
  assert.ok(found.some(({ id, object }) => id === 'hidden-characters' && object === path));
});

test('what a patch holds is read again when the same blob comes with another patch', () => {
  const blob = '7'.repeat(40);
  const quiet = aFile('src/run.ts', { blob });
  const loud = adding('src/run.ts', 'run(`prisma migrate reset`)', { blob });
  const ids = (file: ChangedFile): readonly string[] =>
    findingsOf(aChange({ files: [file] }), defaultPolicy).map(({ id }) => id);
  assert.ok(!ids(quiet).includes('destructive-command'));
  assert.ok(ids(loud).includes('destructive-command'));
  assert.ok(!ids(quiet).includes('destructive-command'));
});

test('a workflow that names a guarded environment is critical, also when it stops naming it', () => {
  const path = '.github/workflows/ship.yml';
  const critical = 'critical guarded-workflow-changed';
  const changed = (before: string, after: string) =>
    paths(aFile(path, { content: { before, after } }));
  assert.ok(changed(workflow('production'), workflow('staging')).includes(critical));
  assert.ok(changed(workflow('staging'), workflow('{ name: productlon }')).includes(critical));
  assert.ok(changed(workflow('staging'), workflow('${{ inputs.to }}')).includes(critical));
  assert.ok(changed(workflow('staging'), 'jobs: [').includes(critical));
  assert.deepEqual(changed(workflow('staging'), workflow('qa')), ['high workflow-changed']);
  assert.ok(paths(aFile(path)).includes(critical), 'a file not read in full could name any');
  assert.deepEqual(paths(adding(path, workflow('staging'))), ['high workflow-changed']);
});

test('a migration that ran is low by its path; one that did not is high', () => {
  const files = [adding('drizzle/0007_x.sql', '-- a comment'), aFile('drizzle/meta/_journal.json')];
  const judged = findingsOf(aChange({ files, dryRun: aRun(aFolder()) }), defaultPolicy);
  assert.equal(radiusOf(judged), 'low');
  assert.equal(radiusOf(findingsOf(aChange({ files }), defaultPolicy)), 'high');
  const stray = [adding('drizzle/9999_late.sql', 'SELECT 1')];
  assert.equal(
    radiusOf(findingsOf(aChange({ files: stray, dryRun: aRun(aFolder()) }), defaultPolicy)),
    'high',
  );
});

test('SQL that asks where it runs is high; a default of now() is nothing', () => {
  assert.ok(
    paths(adding('db/x.sql', "SELECT current_database() = 'prod'")).includes(
      'high environment-aware-sql',
    ),
  );
  assert.ok(
    !paths(adding('db/x.sql', 'a timestamptz DEFAULT now()')).includes(
      'medium environment-aware-sql',
    ),
  );
});

test("the policy's own paths raise, to the highest that matches", () => {
  const policy = { ...defaultPolicy, paths: { high: ['infra/**'], critical: ['infra/prod/**'] } };
  const moved = { previousPath: 'infra/prod/a.md', status: 'renamed' } as const;
  for (const file of [aFile('infra/prod/a.md'), aFile('docs/a.md', moved)]) {
    assert.equal(radiusOf(findingsOf(aChange({ files: [file] }), policy)), 'critical');
  }
});

const moved = (path: string, previousPath: string): ChangedFile =>
  aFile(path, { previousPath, status: 'renamed', previousBlob: '2'.repeat(40), patch: null });
const link = (path: string, target: string): ChangedFile =>
  adding(path, target, { mode: '120000' });
const push = 'npx drizzle-kit push --force';
const drop = 'DROP TABLE users;';

/** What a deploy path runs without its own lines saying so; every second row is a harmless twin. */
const indirect: readonly (readonly [string, string | null, readonly ChangedFile[]])[] = [
  ['a document becomes a script', 'high file-unread', [moved('scripts/db.sh', 'docs/notes.md')]],
  ['a script gets another name', null, [moved('scripts/db.sh', 'scripts/data.sh')]],
  ['a test becomes a script', 'high file-unread', [moved('bin/x', 'tests/x.txt')]],
  ['a script becomes a document', null, [moved('docs/old.md', 'docs/older.md')]],
  ['a script links to a document', 'high file-unread', [link('scripts/db.sh', '../docs/notes.md')]],
  ['a document links to a document', null, [link('CLAUDE.md', 'AGENTS.md')]],
  ['a folder of scripts links elsewhere', 'high file-unread', [link('scripts', 'docs')]],
  ['a script links to a script', null, [link('bin/db.sh', '../scripts/db.sh')]],
  ['a link leaves the repository', 'high file-unread', [link('bin/db', '/tmp/db')]],
  [
    'package.json runs a test',
    'critical destructive-command',
    [adding('tests/reset.sh', push), adding('package.json', '"predeploy": "sh tests/reset.sh"')],
  ],
  [
    'package.json runs another test',
    null,
    [adding('tests/reset.sh', 'echo reset'), adding('package.json', '"test": "sh tests/run.sh"')],
  ],
  [
    'a workflow pipes a document into the shell',
    'critical destructive-command',
    [adding('docs/x.md', push), adding('scripts/go.sh', 'sh docs/x.md')],
  ],
  [
    'SQL is piped',
    'critical destructive-command',
    [adding('scripts/db.sh', 'echo "DROP SCHEMA public CASCADE" | psql $URL')],
  ],
  ['a word is piped', null, [adding('scripts/db.sh', 'echo "drop it" | wc -l')]],
  [
    'a here-document destroys',
    'critical destructive-command',
    [adding('scripts/db.sh', `psql "$URL" <<SQL\n${drop}\nSQL`)],
  ],
  [
    'the middle of a here-document',
    'critical destructive-command',
    [aFile('scripts/db.sh', { patch: `@@ -9,2 +9,3 @@\n SELECT 1;\n+${drop}\n SELECT 2;` })],
  ],
  ['a log is emptied', null, [adding('scripts/log.sh', 'truncate -s 0 app.log')]],
  ['a dump is kept', null, [adding('scripts/dump.sql', drop), adding('tests/a.sql', drop)]],
  [
    'psql reads a file',
    'high migration-runner-added',
    [adding('scripts/db.sh', 'psql $U < a.sql')],
  ],
  ['psql answers', null, [adding('scripts/db.sh', 'psql $U -c "SELECT 1" > out.txt')]],
];

for (const [name, wanted, files] of indirect) {
  test(`${wanted ?? 'nothing'}: ${name}`, () => {
    const grave = paths(...files).filter((one) => /^(?:high|critical)/.test(one));
    if (wanted === null) assert.deepEqual(grave, []);
    else assert.ok(grave.includes(wanted), JSON.stringify(grave));
  });
}
