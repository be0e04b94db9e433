/** Repositories and pull requests: limits, pagination, merges, commits and their accounts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { acme, refusal, type Acme } from './world.fixture.ts';

let world: Acme;

before(async () => {
  world = await acme();
});
after(() => world.gh.close());

test('lists come in pages with Link headers, and octokit reads them to the end', async () => {
  const { repo, octokit, place } = world;
  const files = Object.fromEntries(
    Array.from({ length: 350 }, (_, index) => [`many/${index}.txt`, `${index}\n`]),
  );
  await repo.commit({ branch: 'many', files, author: 'alice', message: 'Many files' });
  const pull = await repo.openPull({ author: 'alice', head: 'many' });
  const at = { ...place, pull_number: pull.number };
  const first = await octokit.pulls.listFiles(at);
  assert.equal(first.data.length, 30, 'the default page');
  assert.match(first.headers.link ?? '', /page=2>; rel="next".*page=12>; rel="last"/);
  const beyond = await octokit.pulls.listFiles({ ...at, per_page: 1000 });
  assert.equal(beyond.data.length, 100, 'the largest page');
  const all = await octokit.paginate(octokit.pulls.listFiles, { ...at, per_page: 100 });
  assert.equal(all.length, 350);
  const compared = await octokit.repos.compareCommitsWithBasehead({
    ...place,
    basehead: 'main...many',
  });
  assert.equal(compared.data.files?.length, 300, 'a comparison ends at 300 files');
});

test('files tell renames, removals, binaries and modes', async () => {
  const { repo, octokit, place } = world;
  const text = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\n');
  await repo.commit({ branch: 'base2', files: { 'old name.txt': text, 'gone.txt': 'x\n' } });
  await repo.commit({
    branch: 'change2',
    from: 'base2',
    author: 'alice',
    files: {
      'old name.txt': null,
      'new "name".txt': `${text}\nmore\n`,
      'gone.txt': null,
      'image.bin': new Uint8Array([0, 1, 2, 255]),
      link: { mode: '120000', content: 'README.md' },
      'run.sh': { mode: '100755', content: '#!/bin/sh\n' },
    },
  });
  const pull = await repo.openPull({ author: 'alice', head: 'change2', base: 'base2' });
  const { data } = await octokit.pulls.listFiles({ ...place, pull_number: pull.number });
  const seen = data.map((file) => [file.filename, file.status, file.previous_filename ?? null]);
  assert.deepEqual(
    seen.sort((a, b) => String(a[0]).localeCompare(String(b[0]))),
    [
      ['gone.txt', 'removed', null],
      ['image.bin', 'added', null],
      ['link', 'added', null],
      ['new "name".txt', 'renamed', 'old name.txt'],
      ['run.sh', 'added', null],
    ],
  );
  const renamed = data.find((file) => file.status === 'renamed');
  assert.match(renamed?.patch ?? '', /^@@ [\s\S]*\+more$/);
  assert.equal(data.find((file) => file.filename === 'image.bin')?.patch, undefined);
});

test('the three merges leave the history that GitHub leaves', async () => {
  const { repo, octokit, place } = world;
  const open = async (branch: string): Promise<Awaited<ReturnType<typeof repo.openPull>>> => {
    await repo.commit({
      branch,
      files: { [`${branch}.txt`]: '1\n' },
      author: 'alice',
      message: 'One',
    });
    await repo.commit({
      branch,
      files: { [`${branch}.txt`]: '2\n' },
      author: 'bob',
      message: 'Two',
    });
    return repo.openPull({ author: 'alice', head: branch, title: `Title ${branch}` });
  };
  const merge = await open('way-merge');
  const squash = await open('way-squash');
  const rebase = await open('way-rebase');
  const git = repo.record.git;

  const merged = await git.mustCommit(await merge.merge({ by: 'bob', method: 'merge' }));
  assert.equal(merged.parents.length, 2);
  assert.equal(merged.parents[1], merge.headSha);

  const squashed = await git.mustCommit(await squash.merge({ by: 'bob', method: 'squash' }));
  assert.equal(squashed.parents.length, 1);
  assert.match(
    squashed.message,
    /^Title way-squash \(#\d+\)\n\n\* One\n\n\* Two\n\nCo-authored-by: bob/,
  );
  const seen = await octokit.repos.getCommit({ ...place, ref: squashed.sha });
  assert.equal(seen.data.committer?.['id'], 19_864_447, 'GitHub itself commits');
  assert.equal(seen.data.commit.verification?.verified, true);

  const tip = await git.mustCommit(await rebase.merge({ by: 'bob', method: 'rebase' }));
  const [, before] = await git.history(tip.sha, '');
  assert.deepEqual([tip.message, (await git.mustCommit(before ?? '')).message], ['Two', 'One']);
  assert.equal((await git.entry(tip.sha, 'way-squash.txt'))?.type, 'blob', 'on top of the others');
  for (const [sha, pull] of [
    [merged.sha, merge],
    [squashed.sha, squash],
    [tip.sha, rebase],
    [before ?? '', rebase],
  ] as const) {
    const pulls = await octokit.repos.listPullRequestsAssociatedWithCommit({
      ...place,
      commit_sha: sha,
    });
    assert.deepEqual(
      pulls.data.map((one) => one.number),
      [pull.number],
    );
  }
  const { data } = await octokit.repos.listActivities({ ...place, ref: 'refs/heads/main' });
  assert.deepEqual(
    data.slice(0, 3).map((one) => [one.activity_type, one.actor?.login]),
    Array.from({ length: 3 }, () => ['pr_merge', 'bob']),
  );
});

test('an open pull request names its test merge, which is not a merge', async () => {
  const { pull, octokit, place, repo } = world;
  const { data } = await octokit.pulls.get({ ...place, pull_number: pull.number });
  assert.deepEqual([data.merged, data.merged_at], [false, null]);
  const parents = (await repo.record.git.mustCommit(data.merge_commit_sha ?? '')).parents;
  assert.deepEqual(parents, [repo.sha(), pull.headSha]);
});

test('a conflict cannot be merged', async () => {
  const { repo, octokit, place } = world;
  await repo.commit({ branch: 'conflict', files: { 'README.md': 'theirs\n' }, author: 'alice' });
  const pull = await repo.openPull({ author: 'alice', head: 'conflict' });
  await repo.commit({ files: { 'README.md': 'ours\n' }, author: 'bob' });
  const { data } = await octokit.pulls.get({ ...place, pull_number: pull.number });
  assert.equal(data.mergeable, false);
  await assert.rejects(() => pull.merge({ by: 'bob' }), /not mergeable/);
});

test('force pushes, updates of the branch, retargets and drafts change what they should', async () => {
  const { repo, octokit, place } = world;
  const first = await repo.commit({ branch: 'life', files: { 'l.txt': '1\n' }, author: 'alice' });
  await repo.commit({ branch: 'release', files: {}, author: 'bob' });
  const pull = await repo.openPull({ author: 'alice', head: 'life' });
  await pull.push({ files: { 'l.txt': '2\n' }, author: 'Copilot', message: 'Again' });
  await pull.forcePush(first, 'Copilot');
  assert.equal(pull.headSha, first);
  await repo.commit({ files: { 'other.txt': 'x\n' }, author: 'bob' });
  const updated = await pull.updateBranch('bob');
  const commits = await octokit.pulls.listCommits({ ...place, pull_number: pull.number });
  assert.deepEqual(
    commits.data.map((one) => one.sha),
    [first, updated],
    'the base branch is not part of the pull request',
  );
  assert.equal(commits.data[1]?.commit.verification?.verified, true);
  await pull.retarget('release', 'alice');
  await pull.draft(true, 'alice');
  const { data } = await octokit.pulls.get({ ...place, pull_number: pull.number });
  assert.deepEqual([data.base.ref, data.draft], ['release', true]);
  await assert.rejects(() => pull.merge({ by: 'bob' }), /not mergeable/);
  const timeline = await octokit.issues.listEventsForTimeline({
    ...place,
    issue_number: pull.number,
  });
  const events = timeline.data.map((one) => one.event);
  assert.ok(events.includes('head_ref_force_pushed') && events.includes('base_ref_changed'));
  const activity = await octokit.repos.listActivities({ ...place, ref: 'refs/heads/life' });
  assert.deepEqual(
    activity.data.map((one) => `${one.activity_type} ${one.actor?.login}`),
    ['push bob', 'force_push Copilot', 'push Copilot', 'branch_creation alice'],
  );
});

test('a fork shares objects, and its deletion leaves the pull request without a head', async () => {
  const { gh, repo, octokit, place } = world;
  const fork = await gh.fork(repo, 'mallory');
  await fork.commit({ branch: 'patch', files: { 'f.txt': 'f\n' }, author: 'mallory' });
  const pull = await repo.openPull({ author: 'mallory', head: 'patch', headRepo: fork });
  const before = await octokit.pulls.get({ ...place, pull_number: pull.number });
  assert.equal(before.data.head.repo?.full_name, 'mallory/shop');
  fork.delete();
  const gone = await octokit.pulls.get({ ...place, pull_number: pull.number });
  assert.equal(gone.data.head.repo, null);
  const files = await octokit.pulls.listFiles({ ...place, pull_number: pull.number });
  assert.equal(files.data[0]?.filename, 'f.txt');
});

test('an address that belongs to nobody leaves a commit without an account', async () => {
  const { repo, octokit, place } = world;
  const nobody = { name: 'Nobody', email: 'nobody@nowhere.invalid', atMs: 1_700_000_000_000 };
  const sha = await repo.commit({
    branch: 'nobody',
    author: nobody,
    pusher: 'alice',
    files: { n: '1' },
  });
  const { data } = await octokit.repos.getCommit({ ...place, ref: sha });
  assert.equal(data.author, null);
  const noreply = await repo.commit({
    branch: 'noreply',
    author: { name: 'Copilot', email: '198982749+Copilot@users.noreply.github.com', atMs: 1e12 },
    files: { n: '2' },
  });
  const known = await octokit.repos.getCommit({ ...place, ref: noreply });
  assert.equal(known.data.author?.['id'], 198_982_749);
});

test('reviews follow GitHub: no approval of one’s own, dismissal and edits are seen', async () => {
  const { repo, octokit, place } = world;
  await repo.commit({ branch: 'reviewed', files: { r: '1' }, author: 'alice' });
  const pull = await repo.openPull({ author: 'alice', head: 'reviewed' });
  assert.match(await refusal(pull.review({ by: 'alice' })), /^422 Review Can not approve your own/);
  const review = await pull.review({ by: 'bob', body: 'fine' });
  await pull.editReview(review, 'bob', 'finer');
  await pull.dismiss(review, 'alice', 'too fast');
  const { data } = await octokit.pulls.listReviews({ ...place, pull_number: pull.number });
  assert.deepEqual(
    data.map((one) => [one.state, one.body, one.commit_id === pull.headSha]),
    [['DISMISSED', 'finer', true]],
  );
});

test('an issue names the app through which it was opened', async () => {
  const { octokit, place } = world;
  const { data } = await octokit.issues.get({ ...place, issue_number: 1 });
  assert.equal(data.performed_via_github_app?.slug, 'copilot-swe-agent');
});

test('the repository is a real one: git clones it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clone-'));
  try {
    execFileSync('git', ['clone', '-q', world.repo.record.git.dir, folder]);
    assert.ok(readdirSync(folder).includes('README.md'));
    const check = execFileSync('git', ['-C', folder, 'fsck', '--strict'], { encoding: 'utf8' });
    assert.doesNotMatch(check, /error/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
