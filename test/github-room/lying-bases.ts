/** Printed plans whose base.sql does not say what production has, so that a loss would not show. */

interface Lie {
  readonly base: string;
  readonly sql: string;
  /** Files of the base branch beside. */
  readonly files: Readonly<Record<string, string>>;
}

const USERS = 'create table users (id int primary key, email text);\n';
const statistics = JSON.stringify({
  tagout: 1,
  takenAt: '2026-01-01T00:00:00Z',
  postgres: '18.4',
  tables: [{ table: 'users', rows: 5000, bytes: 1, indexBytes: 0 }],
});
const known = {
  '.github/tagout.yml': 'version: 1\nmigrations: { statistics: db/statistics.json }\n',
  'db/statistics.json': statistics,
};
/** What the base says, what the change then does, and the radius that it has all the same. */
export const lyingBases: readonly (readonly [string, Lie, string])[] = [
  [
    'leaves the table out',
    { base: 'select 1;\n', sql: 'drop table if exists users;\n', files: {} },
    'high',
  ],
  [
    'leaves out a table that production has rows in',
    { base: 'select 1;\n', sql: 'drop table if exists users;\n', files: known },
    'critical',
  ],
  [
    'lets the table hold nothing',
    {
      base: 'create table users (id int primary key check (false), email text);\n',
      sql: 'drop table users;\n',
      files: {},
    },
    'high',
  ],
  [
    'swallows what the change does',
    {
      base: `${USERS}create rule no as on delete to users do instead nothing;\n`,
      sql: 'delete from users;\n',
      files: {},
    },
    'critical',
  ],
];
