/** What each runner would do with changes that are not plain additions: a table of verdicts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planMigrations } from '../../src/migrations/plan.ts';
import { fixture } from './fixtures.ts';
import { type Content, laidOver, treeOf } from './tree.ts';

interface Verdict {
  readonly fixture: string;
  readonly when: string;
  readonly change: Readonly<Record<string, Content | null>>;
  /** `code path`, sorted as the plan has them. */
  readonly problems: readonly string[];
  readonly pending: readonly string[];
  /** A phrase that the first problem's message must hold: what the real runner does. */
  readonly says?: RegExp;
}

const SQL = 'ALTER TABLE users ADD COLUMN late text;\n';

function journal(...entries: readonly (readonly [string, number])[]): string {
  const rows = entries.map(([tag, when], idx) => ({
    idx,
    version: '7',
    when,
    tag,
    breakpoints: true,
  }));
  return JSON.stringify({ version: '7', dialect: 'postgresql', entries: rows }, null, 2);
}

const USERS = ['0000_users', 1700000000000] as const;
const NAME = ['0001_name', 1700000100000] as const;
const JOURNAL = 'drizzle/meta/_journal.json';

const verdicts: readonly Verdict[] = [
  {
    fixture: 'drizzle',
    when: 'an entry is older than the newest on the base branch',
    change: {
      [JOURNAL]: journal(USERS, NAME, ['0002_late', 1700000050000]),
      'drizzle/0002_late.sql': SQL,
    },
    problems: ['skipped-by-runner drizzle/0002_late.sql'],
    pending: [],
    says: /skip .* without an error/,
  },
  {
    fixture: 'drizzle',
    when: 'an entry has exactly the newest time',
    change: {
      [JOURNAL]: journal(USERS, NAME, ['0002_late', 1700000100000]),
      'drizzle/0002_late.sql': SQL,
    },
    problems: ['skipped-by-runner drizzle/0002_late.sql'],
    pending: [],
  },
  {
    fixture: 'drizzle',
    when: 'a new entry stands first in the array but is the newest',
    change: {
      [JOURNAL]: journal(['0002_new', 1800000000000], USERS, NAME),
      'drizzle/0002_new.sql': SQL,
    },
    problems: [],
    pending: ['drizzle/0002_new.sql'],
  },
  {
    fixture: 'drizzle',
    when: 'an old entry is given a new time, so that it runs again',
    change: { [JOURNAL]: journal(['0000_users', 1800000000000], NAME) },
    problems: ['history-edited drizzle/0000_users.sql'],
    pending: ['drizzle/0000_users.sql'],
    says: /run the file again/,
  },
  {
    fixture: 'drizzle',
    when: 'no journal entry names the file',
    change: { 'drizzle/0002_lost.sql': SQL },
    problems: ['skipped-by-runner drizzle/0002_lost.sql'],
    pending: [],
    says: /meta\/_journal\.json names/,
  },
  {
    fixture: 'drizzle',
    when: 'the journal names a file that is not there',
    change: { [JOURNAL]: journal(USERS, NAME, ['0002_gone', 1800000000000]) },
    problems: [`unreadable ${JOURNAL}`],
    pending: [],
    says: /0002_gone\.sql, which is not there; Drizzle stops/,
  },
  {
    fixture: 'drizzle',
    when: 'the journal points outside its folder',
    change: {
      [JOURNAL]: journal(USERS, NAME, ['../x', 1800000000000]),
      'x.sql': 'DROP TABLE users;',
    },
    problems: [`unreadable ${JOURNAL}`],
    pending: [],
    says: /outside the migrations folder/,
  },
  {
    fixture: 'drizzle',
    when: 'the journal is deleted',
    change: { [JOURNAL]: null, 'drizzle/0002_x.sql': SQL },
    problems: ['skipped-by-runner drizzle/0002_x.sql', `history-deleted ${JOURNAL}`],
    pending: [],
  },
  {
    fixture: 'drizzle',
    when: 'the journal is not JSON',
    change: { [JOURNAL]: '{"entries": [' },
    problems: [`unreadable ${JOURNAL}`],
    pending: [],
    says: /is not JSON/,
  },
  {
    fixture: 'drizzle',
    when: 'the journal has an entry without a time',
    change: { [JOURNAL]: '{"entries": [{"tag": "0000_users", "when": "soon"}]}' },
    problems: [`unreadable ${JOURNAL}`],
    pending: [],
  },
  {
    fixture: 'drizzle',
    when: 'an old file is edited and an old one deleted',
    change: { 'drizzle/0000_users.sql': SQL, 'drizzle/0001_name.sql': null },
    problems: [
      'history-edited drizzle/0000_users.sql',
      'history-deleted drizzle/0001_name.sql',
      `unreadable ${JOURNAL}`,
    ],
    pending: [],
  },
  {
    fixture: 'drizzle',
    when: 'a tag stands in the journal twice',
    change: {
      [JOURNAL]: journal(USERS, NAME, ['0002_x', 1800000000000], ['0002_x', 1800000000001]),
      'drizzle/0002_x.sql': SQL,
    },
    problems: [`duplicate-version ${JOURNAL}`],
    pending: ['drizzle/0002_x.sql', 'drizzle/0002_x.sql'],
  },
  {
    fixture: 'drizzle',
    when: 'the configuration names another folder',
    change: { 'drizzle.config.js': "export default { out: './other', dialect: 'postgresql' };\n" },
    problems: ['not-judged drizzle.config.js'],
    pending: [],
    says: /no longer reads the same folder/,
  },
  {
    fixture: 'drizzle',
    when: 'the configuration computes its folder',
    change: { 'drizzle.config.js': 'export default { out: process.env.OUT };\n' },
    problems: ['not-judged drizzle.config.js'],
    pending: [],
  },
  {
    fixture: 'drizzle',
    when: 'the dialect is changed so that it would not be judged',
    change: { [JOURNAL]: journal(USERS, NAME).replace('postgresql', 'sqlite') },
    problems: ['not-judged drizzle', 'not-judged drizzle.config.js'],
    pending: [],
  },
  {
    fixture: 'prisma',
    when: 'a folder sorts before an applied one',
    change: { 'prisma/migrations/20240101500000_late/migration.sql': SQL },
    problems: ['out-of-order prisma/migrations/20240101500000_late/migration.sql'],
    pending: ['prisma/migrations/20240101500000_late/migration.sql'],
    says: /Prisma would still apply it/,
  },
  {
    fixture: 'prisma',
    when: 'an old folder is renamed, so that Prisma applies it again',
    change: {
      'prisma/migrations/20240102000000_name/migration.sql': null,
      'prisma/migrations/20240102000000_other/migration.sql':
        'ALTER TABLE users ADD COLUMN name text;\n',
    },
    problems: ['history-deleted prisma/migrations/20240102000000_name/migration.sql'],
    pending: ['prisma/migrations/20240102000000_other/migration.sql'],
    says: /renamed to/,
  },
  {
    fixture: 'prisma',
    when: 'the lock file is deleted',
    change: { 'prisma/migrations/migration_lock.toml': null },
    problems: ['history-deleted prisma/migrations/migration_lock.toml'],
    pending: [],
  },
  {
    fixture: 'prisma',
    when: 'the provider is changed',
    change: { 'prisma/migrations/migration_lock.toml': 'provider = "sqlite"\n' },
    problems: ['not-judged prisma/migrations'],
    pending: [],
  },
  {
    fixture: 'prisma',
    when: 'SQL lies where Prisma does not look',
    change: {
      'prisma/migrations/20240109000000_x/sub/migration.sql': SQL,
      'prisma/migrations/20240109000000_x/Migration.SQL': SQL,
    },
    problems: [
      'skipped-by-runner prisma/migrations/20240109000000_x/Migration.SQL',
      'skipped-by-runner prisma/migrations/20240109000000_x/sub/migration.sql',
    ],
    pending: [],
  },
  {
    fixture: 'golang-migrate',
    when: 'a version is lower than the applied ones',
    change: { 'migrations/5_late.up.sql': SQL },
    problems: ['skipped-by-runner migrations/5_late.up.sql'],
    pending: [],
    says: /passes over lower ones without an error/,
  },
  {
    fixture: 'golang-migrate',
    when: 'two files have one version',
    change: { 'migrations/09_again.up.sql': SQL },
    problems: ['duplicate-version migrations/09_again.up.sql'],
    pending: [],
    says: /stops with an error/,
  },
  {
    fixture: 'golang-migrate',
    when: 'the extension is written in capitals, which this runner takes',
    change: { 'migrations/10_x.up.SQL': SQL },
    problems: [],
    pending: ['migrations/10_x.up.SQL'],
  },
  {
    fixture: 'golang-migrate',
    when: 'an old down file is rewritten',
    change: { 'migrations/2_users.down.sql': 'DROP SCHEMA public CASCADE;\n' },
    problems: ['history-edited migrations/2_users.up.sql'],
    pending: [],
    says: /when somebody rolls back/,
  },
  {
    fixture: 'goose',
    when: 'a number is lower than the applied one',
    change: { 'sql/00000_late.sql': `-- +goose Up\n${SQL}` },
    problems: ['skipped-by-runner sql/00000_late.sql'],
    pending: [],
    says: /goose stops with an error over missing migrations/,
  },
  {
    fixture: 'goose',
    when: 'a migration is written in Go',
    change: { 'sql/00002_go.go': 'package migrations\n' },
    problems: ['not-judged sql/00002_go.go'],
    pending: [],
  },
  {
    fixture: 'goose',
    when: 'the markers are missing, or values come from the environment',
    change: {
      'sql/00002_x.sql': SQL,
      'sql/00003_y.sql': `-- +goose ENVSUB ON\n-- +goose Up\n${SQL}`,
    },
    problems: ['unreadable sql/00002_x.sql', 'not-judged sql/00003_y.sql'],
    pending: ['sql/00003_y.sql'],
  },
  {
    fixture: 'dbmate',
    when: 'a file sorts before the applied one',
    change: { 'db/migrations/20250101000000_late.sql': `-- migrate:up\n${SQL}-- migrate:down\n` },
    problems: ['out-of-order db/migrations/20250101000000_late.sql'],
    pending: ['db/migrations/20250101000000_late.sql'],
    says: /dbmate would still apply it/,
  },
  {
    fixture: 'dbmate',
    when: 'statements stand before the up block',
    change: {
      'db/migrations/20260102000000_x.sql': `DROP TABLE users;\n-- migrate:up\n${SQL}-- migrate:down\n`,
    },
    problems: ['unreadable db/migrations/20260102000000_x.sql'],
    pending: ['db/migrations/20260102000000_x.sql'],
  },
  {
    fixture: 'sqlx',
    when: 'an applied file is edited',
    change: { 'migrations/20260101000000_users.up.sql': SQL },
    problems: ['history-edited migrations/20260101000000_users.up.sql'],
    pending: [],
    says: /sqlx stops with an error/,
  },
  {
    fixture: 'sqlx',
    when: 'only a dependency in Cargo.toml changes',
    change: {
      'Cargo.toml': '[package]\nname = "app"\n\n[dependencies]\nsqlx = "0.9"\nserde = "1"\n',
    },
    problems: [],
    pending: [],
  },
  {
    fixture: 'flyway',
    when: 'a version lies below the newest one',
    change: { 'sql/V1_5__late.sql': SQL },
    problems: ['skipped-by-runner sql/V1_5__late.sql'],
    pending: [],
    says: /outOfOrder/,
  },
  {
    fixture: 'flyway',
    when: 'a placeholder has no value',
    change: { 'sql/V3__x.sql': `SELECT 1;\n-- \${unknown}\n` },
    problems: ['not-judged sql/V3__x.sql'],
    pending: ['sql/V3__x.sql'],
  },
  {
    fixture: 'flyway',
    when: 'the locations are changed',
    change: { 'flyway.conf': 'flyway.locations=filesystem:elsewhere\n' },
    // The value of its placeholder is gone with the setting.
    problems: ['not-judged flyway.conf', 'not-judged sql/R__everybody.sql'],
    pending: [],
  },
  {
    fixture: 'liquibase',
    when: 'an applied changeset is edited',
    change: {
      'db/changelog/changes/users.sql':
        '--liquibase formatted sql\n\n--changeset ann:1\nSELECT 1;\n',
    },
    problems: ['history-edited db/changelog/changes/users.sql'],
    pending: [],
    says: /checksum/,
  },
  {
    fixture: 'liquibase',
    when: 'no changelog includes the new file',
    change: {
      'db/changelog/changes/x.sql': `--liquibase formatted sql\n--changeset bot:1\n${SQL}`,
    },
    problems: ['skipped-by-runner db/changelog/changes/x.sql'],
    pending: [],
  },
  {
    fixture: 'liquibase',
    when: 'a changeset depends on a context',
    change: {
      'db/changelog/changes/x.sql': `--liquibase formatted sql\n--changeset bot:1 context:prod\n${SQL}`,
      'db/changelog/db.changelog-master.yaml':
        'databaseChangeLog:\n  - includeAll:\n      path: changes\n',
    },
    problems: ['not-judged db/changelog/changes/x.sql'],
    pending: ['db/changelog/changes/x.sql'],
  },
  {
    fixture: 'supabase',
    when: 'a file sorts before the newest applied one',
    change: { 'supabase/migrations/20250101000000_late.sql': SQL },
    problems: ['skipped-by-runner supabase/migrations/20250101000000_late.sql'],
    pending: [],
    says: /--include-all/,
  },
  {
    fixture: 'node-pg-migrate',
    when: 'a file sorts before the applied one',
    change: { 'migrations/1600000000000_late.sql': `-- Up Migration\n${SQL}` },
    problems: ['skipped-by-runner migrations/1600000000000_late.sql'],
    pending: [],
    says: /checkOrder/,
  },
  {
    fixture: 'postgres-migrations',
    when: 'the numbers have a gap',
    change: { 'migrations/3_x.sql': SQL },
    problems: ['skipped-by-runner migrations/3_x.sql'],
    pending: ['migrations/3_x.sql'],
    says: /gap/,
  },
  {
    fixture: 'atlas',
    when: 'the checksum file does not name the new file',
    change: { 'migrations/20260103000000_x.sql': SQL },
    problems: ['skipped-by-runner migrations/20260103000000_x.sql'],
    pending: ['migrations/20260103000000_x.sql'],
    says: /atlas migrate hash/,
  },
  {
    fixture: 'sqitch',
    when: 'a change is inserted in front of a deployed one',
    change: {
      'sqitch.plan':
        '%project=app\nnew 2026-01-01T00:00:00Z B <b@example.org>\nusers 2026-01-01T00:00:00Z A <a@example.org>\n',
      'deploy/new.sql': SQL,
    },
    problems: ['history-edited deploy/new.sql'],
    pending: ['deploy/new.sql'],
  },
  {
    fixture: 'sqitch',
    when: 'a deploy script is in no line of the plan',
    change: { 'deploy/new.sql': SQL },
    problems: ['skipped-by-runner deploy/new.sql'],
    pending: [],
  },
  {
    fixture: 'alembic',
    when: 'two revisions stand on the same one',
    change: {
      'alembic/versions/b2.py': 'revision = "b2"\ndown_revision = "a1"\n',
      'alembic/versions/c3.py': 'revision = "c3"\ndown_revision = "a1"\n',
    },
    problems: [
      'not-judged alembic/versions/b2.py',
      'several-heads alembic/versions/b2.py',
      'not-judged alembic/versions/c3.py',
    ],
    pending: [],
    says: /tagout-plan/,
  },
  {
    fixture: 'rails',
    when: 'an applied file is edited',
    change: { 'db/migrate/20260101000000_users.rb': 'class Users; end\n' },
    problems: [
      'history-edited db/migrate/20260101000000_users.rb',
      'not-judged db/migrate/20260101000000_users.rb',
    ],
    pending: [],
  },
  {
    fixture: 'plain',
    when: 'a file in code is added beside the SQL',
    change: { 'db/migrations/3_x.ts': 'export const up = () => 1;\n' },
    problems: ['not-judged db/migrations/3_x.ts'],
    pending: [],
  },
];

for (const verdict of verdicts) {
  test(`${verdict.fixture}: ${verdict.when}`, async () => {
    const { base } = fixture(verdict.fixture);
    const head = laidOver(base, verdict.change);
    const settings = { folders: null };
    const plans = await planMigrations({ base: treeOf(base), head: treeOf(head), settings });
    const problems = plans.flatMap((plan) => plan.problems);
    assert.deepEqual(
      {
        problems: problems.map(({ code, path }) => `${code} ${path}`),
        pending: plans.flatMap((plan) => plan.pending.map((step) => step.path)),
      },
      { problems: verdict.problems, pending: verdict.pending },
      JSON.stringify(problems, null, 1),
    );
    if (verdict.says !== undefined) assert.match(problems[0]?.message ?? '', verdict.says);
    for (const { message } of problems) assert.match(message, /^[A-Z\w].*\.$/s);
  });
}
