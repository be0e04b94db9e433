/** The pages that a person clicks in `npm run demo -- --keep`. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { markdown } from './markdown.ts';
import { acme, type Acme } from './world.fixture.ts';

let world: Acme;

before(async () => {
  world = await acme();
});
after(() => world.gh.close());

async function page(path: string): Promise<string> {
  const answer = await fetch(world.gh.url + path);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
  return answer.text();
}

function press(path: string, fields: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams(fields);
  return fetch(world.gh.url + path, { method: 'POST', body, redirect: 'manual' });
}

test('the list leads to the pull request', async () => {
  assert.match(await page('/'), /href="\/acme\/shop\/pull\/1">#1 Drop users\.email/);
});

test('a pull request shows its check, escaped, with its annotations', async () => {
  const { octokit, place, pull } = world;
  await octokit.checks.create({
    ...place,
    name: 'tagout',
    head_sha: pull.headSha,
    conclusion: 'action_required',
    output: {
      title: 'Held <b>',
      summary: '**1,000 values lost** in `users.email` <script>alert(1)</script>',
      text: '| what | how many |\n|---|---|\n| values | 1,000 |\n\n- one\n- two',
      annotations: [
        {
          path: 'db/2.sql',
          start_line: 1,
          end_line: 1,
          annotation_level: 'failure',
          message: 'loses "values"',
        },
      ],
    },
  });
  const text = await page('/acme/shop/pull/1');
  assert.match(text, /action required/);
  assert.match(text, /Held &lt;b&gt;/);
  assert.match(text, /<strong>1,000 values lost<\/strong> in <code>users\.email<\/code>/);
  assert.doesNotMatch(text, /<script/);
  assert.match(text, /<td>values<\/td><td>1,000<\/td>/);
  assert.match(text, /db\/2\.sql:1<\/code>.*loses &quot;values&quot;/);
});

test('approve, merge and deploy by clicks; the run says that it waits', async () => {
  const { pull, repo } = world;
  const at = '/acme/shop/pull/1';
  const own = await press(`${at}/review`, { by: 'Copilot', state: 'APPROVED' });
  assert.equal(own.status, 422);
  assert.match(await own.text(), /GitHub refused: Review Can not approve your own/);
  assert.equal((await press(`${at}/review`, { by: 'alice', state: 'APPROVED' })).status, 303);
  assert.equal(pull.reviews.at(-1)?.user.login, 'alice');
  assert.equal((await press(`${at}/merge`, { by: 'bob' })).status, 303);
  assert.equal(pull.state, 'merged');
  assert.match(await page(at), /Deploy to production as alice/);
  const deployed = await press(`${at}/deploy`, {
    by: 'alice',
    environment: 'production',
    sha: pull.mergeCommitSha ?? '',
  });
  const run = repo.record.runs[0];
  assert.equal(deployed.headers.get('location'), `/acme/shop/actions/runs/${run?.id}`);
  assert.match(
    await page(`/acme/shop/actions/runs/${run?.id}`),
    /waiting[\s\S]*Start all waiting jobs as root/,
  );
});

test('what is not there is a page that says so', async () => {
  for (const path of ['/acme/shop/pull/99', '/acme/none/pull/1', '/acme/shop/actions/runs/5']) {
    assert.equal((await fetch(world.gh.url + path)).status, 404);
  }
});

test('markdown cannot smuggle markup or scripts', () => {
  const tricky = '[x](javascript:alert(1)) <img src=x onerror=alert(1)> `<b>`\n<details onclick=x>';
  const text = markdown(tricky);
  assert.doesNotMatch(text, /<img|<b>|<details|href="javascript/);
  assert.equal(
    markdown('<details>\n<summary>More</summary>'),
    '<details>\n<summary>More</summary>',
  );
  assert.equal(
    markdown('[ok](https://a.b/?x="y)'),
    '<p><a href="https://a.b/?x=&quot;y" rel="noreferrer">ok</a></p>',
  );
});
