/** A migration that really takes long, on a real server: its check says so until it has ended. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { journal, tagoutCheck, until, words } from '../story/scene.ts';
import { rest } from './server.ts';
import { openReliable, type ReliableScene } from './scene.ts';

describe('a long dry run', () => {
  let s: ReliableScene;
  before(async () => {
    s = await openReliable();
  });
  after(() => s.close());

  const writes = () =>
    s.gh.requests.filter(({ method, path }) => method !== 'GET' && path.includes('/check-runs'));

  test('shows in the one check run what is being done, and then its conclusion', async () => {
    const files = {
      'drizzle/meta/_journal.json': journal(['0000_users', '0001_long']),
      'drizzle/0001_long.sql': 'SELECT pg_sleep(8);\n',
    };
    await s.repo.commit({ branch: 'long', files, author: s.people.maria });
    const pull = await s.repo.openPull({ author: s.people.maria, head: 'long' });
    const shown = await until(
      'the check is in progress',
      () => {
        const check = tagoutCheck(s.repo, pull.headSha);
        return check?.status === 'in_progress' ? { ...check, output: { ...check.output } } : null;
      },
      60_000,
    );
    assert.equal(shown.conclusion, null);
    // On a slow machine what comes before the migration takes that long as well.
    const doing =
      /Preparing the database before|Running the migration: statement 1 of 1, drizzle\/0001_long\.sql/;
    assert.match(words(shown), doing);
    const concluded = () =>
      tagoutCheck(s.repo, pull.headSha)?.status === 'completed' ? true : null;
    await until('the check has concluded', concluded, 60_000);
    const runs = s.repo.checkRuns(pull.headSha);
    assert.deepEqual(
      runs.map(({ id, conclusion }) => [id, conclusion]),
      [[shown.id, 'action_required']],
    );
    // The conclusion's annotations may be a write of their own.
    await rest({ gh: s.gh, sql: s.served.store.sql });
    const written = writes().length;
    assert.ok(written >= 2, 'progress and the conclusion');
    // What is known is not run again: another look writes its conclusion alone.
    await pull.review({ by: s.people.octavia });
    await rest({ gh: s.gh, sql: s.served.store.sql });
    const [decisions] = await s.served.store.sql<{ n: number }[]>`
      select count(*)::int as n from audit.event where kind = 'decision.made'`;
    assert.equal(decisions?.n, 2, 'the review was judged');
    assert.equal(writes().length, written + 1);
    assert.equal(tagoutCheck(s.repo, pull.headSha)?.status, 'completed');
  });
});
