/** Verdicts for the frameworks that keep a folder or a journal: Drizzle and Prisma. */
import type { Content } from './tree.ts';

export interface Verdict {
  readonly fixture: string;
  readonly when: string;
  readonly change: Readonly<Record<string, Content | null>>;
  /** `code path`, sorted as the plan has them. */
  readonly problems: readonly string[];
  readonly pending: readonly string[];
  /** A phrase that the first problem's message must hold: what the real runner does. */
  readonly says?: RegExp;
}

export const SQL: string = 'ALTER TABLE users ADD COLUMN late text;\n';

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

/** Drizzle and Prisma. */
export const firstVerdicts: readonly Verdict[] = [
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
    when: 'old entries change places',
    change: { [JOURNAL]: journal(NAME, USERS) },
    problems: ['history-edited drizzle/0001_name.sql'],
    pending: [],
    says: /another order/,
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
];
