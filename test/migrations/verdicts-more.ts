/** Verdicts for the frameworks that number their files, and for those written in code. */
import { atlasSum } from './atlas-sum.ts';
import { SQL, type Verdict } from './verdicts-first.ts';

/** The one file of the fixture's base branch. */
const ATLAS = {
  '20260101000000_users.sql': 'CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  email text\n);\n',
};

export const moreVerdicts: readonly Verdict[] = [
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
    when: 'two changesets of a new file have one name',
    change: {
      'db/changelog/changes/x.sql': `--liquibase formatted sql\n--changeset bot:1\n${SQL}--changeset bot:1\n${SQL}`,
      'db/changelog/db.changelog-master.yaml':
        'databaseChangeLog:\n  - includeAll:\n      path: changes\n',
    },
    problems: ['duplicate-version db/changelog/changes/x.sql'],
    pending: ['db/changelog/changes/x.sql', 'db/changelog/changes/x.sql'],
    says: /stops with an error over the duplicate/,
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
    fixture: 'atlas',
    when: 'a file has another content than its checksum says',
    change: {
      'migrations/20260103000000_x.sql': SQL,
      'migrations/atlas.sum': atlasSum({ ...ATLAS, '20260103000000_x.sql': 'select 1;\n' }),
    },
    problems: ['skipped-by-runner migrations/20260103000000_x.sql'],
    pending: ['migrations/20260103000000_x.sql'],
    says: /is not that of its content, so Atlas stops/,
  },
  {
    fixture: 'atlas',
    when: 'an applied file is edited and its checksum with it',
    change: {
      'migrations/20260101000000_users.sql': SQL,
      'migrations/atlas.sum': atlasSum({ '20260101000000_users.sql': SQL }),
    },
    problems: ['history-edited migrations/20260101000000_users.sql'],
    pending: [],
    says: /until atlas\.sum is written anew, and then does not run it again/,
  },
  {
    fixture: 'atlas',
    when: 'an applied file is edited and its checksum left',
    change: { 'migrations/20260101000000_users.sql': SQL },
    problems: [
      'history-edited migrations/20260101000000_users.sql',
      'skipped-by-runner migrations/20260101000000_users.sql',
    ],
    pending: [],
  },
  {
    fixture: 'atlas',
    when: 'the first line of the checksums is not that of the others',
    change: {
      'migrations/20260103000000_x.sql': SQL,
      'migrations/atlas.sum': atlasSum({ ...ATLAS, '20260103000000_x.sql': SQL }).replace(
        /^h1:./,
        'h1:/',
      ),
    },
    problems: ['skipped-by-runner migrations/atlas.sum'],
    pending: ['migrations/20260103000000_x.sql'],
    says: /first line/,
  },
  {
    fixture: 'atlas',
    when: 'the checksums name a file that is not there',
    change: {
      'migrations/atlas.sum': atlasSum({ ...ATLAS, '20260103000000_x.sql': SQL }),
    },
    problems: ['skipped-by-runner migrations/atlas.sum'],
    pending: [],
    says: /names 20260103000000_x.sql, which is not there/,
  },
  {
    fixture: 'atlas',
    when: 'new files with true checksums',
    change: {
      'migrations/20260103000000_x.sql': SQL,
      'migrations/atlas.sum': atlasSum({ ...ATLAS, '20260103000000_x.sql': SQL }),
    },
    problems: [],
    pending: ['migrations/20260103000000_x.sql'],
  },
  {
    fixture: 'golang-migrate',
    when: 'a .fizz file lies beside the SQL',
    change: { 'migrations/900_x.up.fizz': 'drop_table("users")\n' },
    problems: ['not-judged migrations/900_x.up.fizz'],
    pending: [],
    says: /written in code/,
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
    fixture: 'django',
    when: 'two migrations stand on the same one',
    change: {
      'shop/migrations/0002_a.py': 'dependencies = [("shop", "0001_initial")]\n',
      'shop/migrations/0002_b.py': 'dependencies = [("shop", "0001_initial")]\n',
    },
    problems: [
      'not-judged shop/migrations/0002_a.py',
      'several-heads shop/migrations/0002_a.py',
      'not-judged shop/migrations/0002_b.py',
    ],
    pending: [],
  },
  {
    fixture: 'liquibase',
    when: 'a changelog includes plain SQL, which runs as one changeset',
    change: {
      'db/changelog/changes/x.sql': SQL,
      'db/changelog/db.changelog-master.yaml':
        'databaseChangeLog:\n  - includeAll:\n      path: changes\n',
    },
    problems: [],
    pending: ['db/changelog/changes/x.sql'],
  },
  {
    fixture: 'sqitch',
    when: 'the plan alone changes, and a deployed change is gone from it',
    change: {
      'sqitch.plan': '%project=app\n',
    },
    problems: [
      'history-deleted deploy/users.sql',
      'history-edited deploy/users.sql',
      'skipped-by-runner deploy/users.sql',
    ],
    pending: [],
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
