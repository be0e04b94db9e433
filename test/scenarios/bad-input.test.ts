/**
 * What people and agents get wrong, on the real server: each gives a sentence in the check run that
 * names the thing and the cure, and holds; the next pull request is judged as ever.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Repo } from '../github/index.ts';
import type { FileContent } from '../github/git.ts';
import type { Pull } from '../github/pull.ts';
import { dropColumn, journal, tagoutCheck, until, words } from '../story/scene.ts';
import { openServer, type Server } from '../ways-round/server.ts';

const LARGE = 50 * 1024 * 1024;

const history = {
  'drizzle.config.ts':
    "export default { dialect: 'postgresql', out: './drizzle', schema: './src/schema.ts' };\n",
  'drizzle/meta/_journal.json': journal(['0000_users']),
  'drizzle/0000_users.sql': 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);\n',
};

let server: Server;
before(async () => {
  server = await openServer();
});
after(() => server.close());

type Files = Readonly<Record<string, FileContent>>;

let count = 0;

async function opened(repo: Repo, files: Files, author = 'Copilot'): Promise<Pull> {
  count += 1;
  const branch = `odd-${count}`;
  await repo.commit({ branch, files, author });
  return repo.openPull({ author, head: branch });
}

/** What the check says once it holds; it must never have passed. */
async function held(repo: Repo, pull: Pull): Promise<string> {
  const check = await until(`#${pull.number} is judged`, () => tagoutCheck(repo, pull.headSha));
  assert.equal(check.conclusion, 'action_required', words(check));
  return words(check);
}

const migration = (sql: FileContent): Files => ({
  'drizzle/meta/_journal.json': journal(['0000_users', '0001_next']),
  'drizzle/0001_next.sql': sql,
});

const odd: readonly (readonly [string, Files, readonly RegExp[]])[] = [
  [
    'a migration with a syntax error',
    migration('ALTER TABLE users DORP COLUMN email;\n'),
    [/syntax error at or near "DORP"/, /0001_next\.sql/],
  ],
  [
    'a migration that is not UTF-8',
    migration(Buffer.from([0x53, 0x45, 0x4c, 0xff, 0xfe, 0x3b])),
    [/0001_next\.sql/, /UTF-8/],
  ],
  [
    'a migration of 50 MB',
    migration(
      Buffer.alloc(LARGE, '-- fifty megabytes of a comment ................................\n'),
    ),
    [/0001_next\.sql/, /MB/],
  ],
  [
    'a broken journal',
    { ...dropColumn, 'drizzle/meta/_journal.json': '{"version":"7","entries":[{"idx":0,' },
    [/_journal\.json/],
  ],
];

for (const [what, files, said] of odd) {
  test(`${what} is named in the check run and holds`, async () => {
    const repo = await server.shop(history);
    const text = await held(repo, await opened(repo, files));
    for (const sentence of said) assert.match(text, sentence);
  });
}

const policies: readonly (readonly [string, string, RegExp])[] = [
  ['a policy that is not YAML', 'version: 1\nenvironments: [production\n', /tagout\.yml, line \d/],
  [
    'an unknown policy key',
    'version: 1\nenviroments: {}\n',
    /line 2: .enviroments. is not a key of the policy; did you mean .environments.\?/,
  ],
];

for (const [what, policy, said] of policies) {
  test(`${what} is named with its line, and everything holds`, async () => {
    const repo = await server.shop({ '.github/tagout.yml': policy });
    const pull = await opened(repo, { 'docs/a.md': 'a\n' }, 'maria');
    await held(repo, pull);
    await pull.review({ by: 'octavia' });
    await server.gh.settled();
    const text = await held(repo, pull);
    assert.match(text, said);
  });
}

test('a deleted fork is named and holds, approved or not', async () => {
  const repo = await server.shop();
  server.gh.user('mallory');
  const fork = await server.gh.fork(repo, 'mallory');
  await fork.commit({ branch: 'patch', files: { 'f.txt': 'f\n' }, author: 'mallory' });
  const pull = await repo.openPull({ author: 'mallory', head: 'patch', headRepo: fork });
  await held(repo, pull);
  fork.delete();
  await pull.review({ by: 'octavia' });
  const text = await until('the check tells of the fork', () => {
    const check = tagoutCheck(repo, pull.headSha);
    return check !== null && /fork|repository of the head/i.test(words(check)) ? check : null;
  });
  assert.equal(text.conclusion, 'action_required', words(text));
});

test('a commit of nobody asks for one approval more', async () => {
  const repo = await server.shop();
  const branch = 'by-nobody';
  const nobody = { name: 'Nobody', email: 'nobody@nowhere.example', atMs: Date.UTC(2026, 0, 2) };
  await repo.commit({ branch, files: { 'src/x.ts': 'x;\n' }, author: nobody, pusher: 'ben' });
  const pull = await repo.openPull({ author: 'ben', head: branch });
  await held(repo, pull);
  await pull.review({ by: 'octavia' });
  await server.gh.settled();
  assert.match(
    await held(repo, pull),
    /and 1 more because no GitHub account is known for `nobody@nowhere.example`/,
  );
  await pull.review({ by: 'maria' });
  await until('two approvals pass it', () =>
    tagoutCheck(repo, pull.headSha)?.conclusion === 'success' ? true : null,
  );
});

test('no migrations and an empty pull request need the ordinary review and nothing else', async () => {
  const repo = await server.shop();
  const plain = await opened(repo, { 'docs/a.md': 'a\n' });
  const empty = await opened(repo, {});
  for (const pull of [plain, empty]) {
    assert.doesNotMatch(await held(repo, pull), /dry run failed/i);
    await pull.review({ by: 'octavia' });
    await until(`#${pull.number} passes`, () =>
      tagoutCheck(repo, pull.headSha)?.conclusion === 'success' ? true : null,
    );
  }
});
