/** The scene of the story: an organisation on the local GitHub, its repository, and a running Tagout. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, LocalGitHub, type Manifest, type Repo } from '../github/index.ts';
import type { CheckRun } from '../github/state.ts';

/** A Tagout server that the story can talk to as its operator would. */
export interface Tagout {
  readonly url: string;
  /** What `npx tagout report` prints. */
  report(format: 'text' | 'csv' | 'json'): Promise<string>;
  /** Tries to rewrite one audit row as the application's role; answers PostgreSQL's SQLSTATE. */
  rewriteOneRow(): Promise<string>;
  /** Kinds of the recorded events, in their order. */
  eventKinds(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface People {
  /** A developer. */
  readonly maria: Account;
  /** The person who sets the agent to work. */
  readonly ben: Account;
  /** The independent reviewer. */
  readonly octavia: Account;
  /** The coding agent. */
  readonly copilot: Account;
  /** The agent's sibling that only reviews. */
  readonly copilotReviewer: Account;
  readonly actions: Account;
}

export interface Scene {
  readonly gh: LocalGitHub;
  readonly repo: Repo;
  readonly people: People;
  readonly tagout: Tagout;
  close(): Promise<void>;
}

export const journal = (tags: readonly string[]): string =>
  `${JSON.stringify(
    {
      version: '7',
      dialect: 'postgresql',
      entries: tags.map((tag, idx) => ({
        idx,
        version: '7',
        when: 1_760_000_000_000 + idx * 86_400_000,
        tag,
        breakpoints: true,
      })),
    },
    null,
    2,
  )}\n`;

const policy = `version: 1
environments:
  production:
    match: [production]
migrations:
  folders: [{ path: drizzle, framework: drizzle }]
  seed: [db/seed.sql]
`;

const files = {
  'README.md': '# shop\n\nSells things.\n',
  '.github/tagout.yml': policy,
  'drizzle.config.ts':
    "export default { dialect: 'postgresql', out: './drizzle', schema: './src/schema.ts' };\n",
  'drizzle/meta/_journal.json': journal(['0000_users']),
  'drizzle/0000_users.sql': [
    'CREATE TABLE "users" (',
    '  "id" serial PRIMARY KEY,',
    '  "name" text NOT NULL,',
    '  "email" text NOT NULL',
    ');',
    '--> statement-breakpoint',
    'CREATE UNIQUE INDEX "users_email" ON "users" ("email");',
    '',
  ].join('\n'),
  'db/seed.sql': [
    'INSERT INTO users (name, email)',
    "SELECT 'user ' || n, 'user' || n || '@example.com' FROM generate_series(1, 1000) AS n;",
    '',
  ].join('\n'),
  'src/server.ts': "console.log('listening');\n",
};

/** What the agent's pull request changes: one migration that drops a column with values in it. */
export const dropColumn: Readonly<Record<string, string>> = {
  'drizzle/meta/_journal.json': journal(['0000_users', '0001_drop_email']),
  'drizzle/0001_drop_email.sql': 'ALTER TABLE "users" DROP COLUMN "email";\n',
};

/** The policy with its production rule taken away, as an agent might try. */
export const weakened = `version: 1
environments:
  production:
    match: [nowhere]
undeclared: human
`;

/** Builds the organisation; nothing is deployed and Tagout is not there yet. */
export async function raise(
  manifest: Manifest,
  validate: boolean = true,
): Promise<Omit<Scene, 'tagout' | 'close'>> {
  const gh = await LocalGitHub.start({ app: manifest, validate });
  const people: People = {
    maria: gh.user('maria', { id: 1001 }),
    ben: gh.user('ben', { id: 1002 }),
    octavia: gh.user('octavia', { id: 1003 }),
    copilot: gh.user('Copilot', { id: 198_982_749, type: 'Bot' }),
    copilotReviewer: gh.user('copilot-pull-request-reviewer[bot]', {
      id: 175_728_472,
      type: 'Bot',
    }),
    actions: gh.user('github-actions[bot]', { id: 41_898_282, type: 'Bot' }),
  };
  gh.org('acme', { teams: { platform: ['octavia'] }, members: ['maria', 'ben'], admins: ['root'] });
  const collaborators = {
    maria: 'write',
    ben: 'write',
    octavia: 'write',
    Copilot: 'write',
  } as const;
  const repo = await gh.repo('acme/shop', { files, collaborators, author: people.maria });
  return { gh, repo, people };
}

/** One successful deployment by the workflow before the gate is enabled, as every old repository has. */
export async function deployOnce(scene: Omit<Scene, 'tagout' | 'close'>): Promise<void> {
  await scene.repo.startRun({ actor: scene.people.maria, path: '.github/workflows/deploy.yml' });
  scene.repo.environment('production', { protectedByApp: true });
}

/** Waits until `look` answers something other than null, and answers it. */
export async function until<T>(
  what: string,
  look: () => T | null,
  timeoutMs: number = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const seen = look();
    if (seen !== null) return seen;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await sleep(2);
  }
}

/** The newest check of ours on a commit. */
export function tagoutCheck(repo: Repo, sha: string): CheckRun | null {
  return repo.checkRuns(sha).findLast((run) => run.name === 'tagout') ?? null;
}

/** Everything that the check says, as one text. */
export function words(check: Pick<CheckRun, 'output'>): string {
  return [check.output.title, check.output.summary, check.output.text].join('\n');
}
