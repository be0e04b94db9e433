/** `tagout init --replay` with a token: the last merged pull requests of GitHub, with their reviews. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { remoteOf, whomToAsk } from '../../src/cli/init/replay-github.ts';
import { gitIn } from '../../src/git/program.ts';
import { drizzleFiles } from '../cli/drizzle.ts';
import { keptIo } from '../cli/io.ts';
import { newRepository, type Repository } from '../git/repository.ts';
import { LocalGitHub, type Repo } from '../github/index.ts';

const first = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);';
let gh: LocalGitHub;
let repo: Repo;
let local: Repository;

before(async () => {
  // Each look at the clock is a second later, so that what follows a merge is after it.
  let seconds = 1_780_000_000;
  gh = await LocalGitHub.start({ now: () => (seconds += 1) * 1000 });
  for (const login of ['alice', 'bob', 'carol']) gh.user(login);
  repo = await gh.repo('acme/shop', {
    files: { ...drizzleFiles([first]), 'README.md': 'a\n' },
    collaborators: { alice: 'write', bob: 'write', carol: 'read' },
  });
  local = newRepository('tagout-replay-');
  local.commit('root', { 'README.md': 'a\n' });
  local.git('remote', 'add', 'origin', `${gh.url}/acme/shop.git`);
  await reviewed();
  await dropped();
  await unreviewed();
  await gh.settled();
});

after(async () => {
  local.remove();
  await gh.close();
});

/** A person's change that another person with write access approved before the merge. */
async function reviewed(): Promise<void> {
  await repo.commit({ branch: 'fine', files: { 'a.txt': 'a\n' }, author: 'alice' });
  const pull = await repo.openPull({ author: 'alice', head: 'fine', title: 'Fine' });
  await pull.review({ by: 'bob' });
  await pull.merge({ by: 'alice', method: 'squash' });
}

/** An agent's destructive migration, approved by somebody without write access alone. */
async function dropped(): Promise<void> {
  const files = drizzleFiles([first, 'DROP TABLE "users";']);
  await repo.commit({ branch: 'copilot/drop', files, author: 'Copilot' });
  const pull = await repo.openPull({
    author: 'Copilot',
    head: 'copilot/drop',
    title: 'Drop \u001b[1m',
  });
  await pull.review({ by: 'carol' });
  await pull.merge({ by: 'alice', method: 'merge' });
}

/** Merged first, approved afterwards. */
async function unreviewed(): Promise<void> {
  await repo.commit({ branch: 'late', files: { 'b.txt': 'b\n' }, author: 'alice' });
  const pull = await repo.openPull({ author: 'alice', head: 'late', title: 'Late' });
  await pull.merge({ by: 'alice', method: 'rebase' });
  await pull.review({ by: 'bob' });
}

async function replay(change: Record<string, string> = {}) {
  const io = keptIo(
    {
      PATH: process.env['PATH'] ?? '',
      HOME: local.folder,
      TAGOUT_DATA: join(local.folder, '.git', 'data'),
      GITHUB_API_URL: gh.url,
      GH_TOKEN: gh.token('alice'),
      ...change,
    },
    local.folder,
  );
  const now = gh.world.now;
  const code = await run(['init', '--replay', '--force'], { ...io, now });
  assert.equal(code, 0, io.printed.err);
  return io.printed.out.split('\n\n').slice(-2).join('\n\n');
}

describe('replay from GitHub', () => {
  test('reviews and authors count as they stood at the merge', async () => {
    const mark = gh.requests.length;
    const out = await replay();
    const line = (number: number): string =>
      out.split('\n').find((one) => one.includes(`#${number} `)) ?? '';
    assert.match(line(1), /#1 Fine: Passed: .*\(by \w+, blast radius medium\); approved by bob$/);
    assert.match(line(2), /#2 Drop .*: Held: .*\(by copilot, blast radius critical\)/);
    assert.match(line(2), /not counted: carol \(R08\)/);
    assert.match(line(3), /#3 Late: Held: .*1 approval after the merge/);
    assert.ok(out.indexOf('#3 ') < out.indexOf('#1 '), 'the newest first');
    assert.match(out, /1 would have passed, 2 would have been held\./);
    assert.match(out, /cannot know: who had write access then/);
    assert.equal(out.includes('\u001b'), false);
    const asked = gh.requests.slice(mark);
    const writes = asked.filter(({ method, path }) => method !== 'GET' && !/graphql/.test(path));
    assert.deepEqual(writes, []);
    assert.ok(asked.length > 0 && asked.length <= 3 * 20, `${asked.length} requests`);
  });

  test('one that cannot be read would have been held, and the others go on', async () => {
    gh.faults.request({ match: 'GET /repos/acme/shop/compare/', status: 502, nth: 1 });
    const out = await replay();
    assert.match(out, /: held, as it could not be judged: GitHub answered 502/);
    assert.match(out, /#1 Fine: Passed/);
  });

  test('a token that GitHub refuses, and none: from git, and it says so', async () => {
    const refused = await replay({ GH_TOKEN: 'ghp_wrong' });
    assert.match(refused, /From git alone: .*GitHub could not be asked \(.*401/);
    assert.equal(refused.includes('ghp_wrong'), false);
    const none = await replay({ GH_TOKEN: '' });
    assert.match(none, /set GH_TOKEN to a token that may read the repository/);
  });

  test('where most were closed and not merged, it says how far it looked', async () => {
    const busy = await gh.repo('acme/busy', { collaborators: { alice: 'write' } });
    await busy.commit({ branch: 'try', files: { 'c.txt': 'c\n' }, author: 'alice' });
    for (let at = 0; at < 301; at += 1) {
      const pull = await busy.openPull({ author: 'alice', head: 'try', title: `Try ${at}` });
      pull.record.issue.state = 'closed';
    }
    local.git('remote', 'set-url', 'origin', `${gh.url}/acme/busy.git`);
    const out = await replay();
    local.git('remote', 'set-url', 'origin', `${gh.url}/acme/shop.git`);
    assert.match(out, /The last 0 merged pull requests of acme\/busy: none was found/);
    assert.match(out, /Fewer than 20: of the closed ones only the 300 that changed last were/);
  });

  test('no token leaves for a host that only the checkout names', async () => {
    const git = gitIn(local.folder, { PATH: process.env['PATH'] });
    const { GITHUB_API_URL: _, ...env } = { GITHUB_API_URL: '', GH_TOKEN: 'ghp_alice' };
    const asked = await whomToAsk(git, { env });
    assert.equal(asked.kind, 'git-alone');
    assert.match(
      asked.kind === 'git-alone' ? asked.why : '',
      /The token was not sent to 127\.0\.0\.1/,
    );
  });
});

test('the forms of a remote', () => {
  const shop = { host: 'github.com', owner: 'acme', name: 'shop' };
  for (const address of [
    'https://github.com/acme/shop.git\n',
    'https://x-access-token:abc@github.com/acme/shop',
    'git@github.com:acme/shop.git',
    'ssh://git@github.com/acme/shop.git/',
  ]) {
    assert.deepEqual(remoteOf(address), shop, address);
  }
  for (const address of ['/srv/git/shop.git', '../shop', 'https://github.com/acme', '']) {
    assert.equal(remoteOf(address), null, address);
  }
});
