/** Messages to a chat: their form, that they follow nothing, and that they never keep the gate waiting. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import type { Enact } from '../../src/core/ports.ts';
import { noticeBody, withNotices } from '../../src/cli/notice.ts';
import { readServeSettings } from '../../src/cli/settings.ts';

const notice: Extract<Effect, { kind: 'notice' }> = {
  kind: 'notice',
  key: 'notice:1',
  repo: { installationId: 1, id: 2, owner: 'acme', name: 'shop' },
  runId: 77,
  environment: 'production',
  title: 'Waiting for a person: <!channel> & *bold*',
  lines: ['[click](https://evil.example) @here'],
  over: false,
};
const RUN = 'https://github.com/acme/shop/actions/runs/77';
const known = { checkRunId: null, uncertain: false };

/** GitHub's side, which must never see a notice. */
const github: Enact = {
  enact: async (effect) => {
    assert.notEqual(effect.kind, 'notice');
    const nothing = { githubId: 5, githubAtMs: null, httpStatus: 201, retryAfterMs: null };
    return { status: 'done', ...nothing, detail: null };
  },
};

describe('the form', () => {
  test('Slack: plain text, the fallback escaped, one link of our own', () => {
    const text = JSON.stringify(noticeBody(notice, 'slack', RUN));
    const { blocks, text: fallback, mrkdwn } = JSON.parse(text);
    assert.equal(mrkdwn, false);
    assert.equal(fallback, 'Waiting for a person: &lt;!channel&gt; &amp; *bold* (acme/shop)');
    const own = blocks.flatMap((block: { elements?: { text: string }[] }) => block.elements ?? []);
    assert.deepEqual(
      own.map((one: { text: string }) => one.text),
      [`<${RUN}|The waiting run>`],
    );
    const sections = blocks.filter((block: { type: string }) => block.type === 'section');
    assert.equal(sections.length, 2);
    for (const { text: words } of sections) assert.equal(words.type, 'plain_text');
  });

  test('Teams: text runs, which are never read as Markdown', () => {
    const body = JSON.parse(JSON.stringify(noticeBody(notice, 'teams', RUN)));
    const { content } = body.attachments[0];
    assert.equal(content.type, 'AdaptiveCard');
    for (const block of content.body) {
      assert.equal(block.type, 'RichTextBlock');
      assert.equal(block.inlines[0].type, 'TextRun');
    }
    assert.deepEqual(
      content.actions.map((one: { url: string }) => one.url),
      [RUN],
    );
  });

  test('json: versioned and flat', () => {
    assert.deepEqual(noticeBody(notice, 'json', RUN), {
      v: 1,
      title: notice.title,
      lines: notice.lines,
      repository: 'acme/shop',
      environment: 'production',
      over: false,
      url: RUN,
    });
  });
});

describe('sending', () => {
  let server: Server;
  let url: string;
  let answers: number[] = [];
  let asked: { path: string; body: string }[] = [];

  before(async () => {
    server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/hook/secret-path`;
  });
  beforeEach(() => {
    answers = [];
    asked = [];
  });
  after(() => server.close());

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    asked.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString() });
    const code = answers.shift() ?? 200;
    response.writeHead(code, code === 302 ? { location: '/elsewhere' } : {}).end('ok');
  }

  const enact = (to: string | null): Enact =>
    withNotices(github, {
      githubApiUrl: 'https://api.github.com',
      notices: {
        comment: true,
        reviewers: false,
        webhook: to === null ? null : { url: to, format: 'json' },
      },
    });

  test('a notice goes to the chat, everything else to GitHub', async () => {
    const sent = await enact(url).enact(notice, known);
    assert.deepEqual([sent.status, sent.httpStatus], ['done', 200]);
    assert.equal(JSON.parse(asked[0]?.body ?? '').url, RUN);
    const issue = { kind: 'issue', key: 'k', repo: notice.repo, title: 't', body: 'b' } as const;
    assert.equal((await enact(url).enact(issue, known)).githubId, 5);
    assert.equal(asked.length, 1);
  });

  test('a redirect is not followed', async () => {
    answers = [302, 302];
    assert.equal((await enact(url).enact(notice, known)).status, 'refused');
    assert.ok(asked.every(({ path }) => path === '/hook/secret-path'));
  });

  test('a passing fault is tried once more, then given up without naming the address', async () => {
    answers = [503];
    assert.equal((await enact(url).enact(notice, known)).status, 'done');
    answers = [503, 503];
    const down = await enact(url).enact(notice, known);
    const gone = await enact('http://127.0.0.1:1/hook/secret-path').enact(notice, known);
    answers = [404];
    asked = [];
    const refused = await enact(url).enact(notice, known);
    assert.equal(asked.length, 1, 'what is refused is not repeated');
    for (const outcome of [down, gone, refused]) {
      assert.equal(outcome.status, 'refused', 'a chat never stands before the gate');
      assert.doesNotMatch(JSON.stringify(outcome), /secret-path|127\.0/);
    }
  });

  test('with no chat set up any more it is given up', async () => {
    assert.equal((await enact(null).enact(notice, known)).status, 'refused');
  });
});

describe('the settings', () => {
  const linesOf = (env: Record<string, string>): string => {
    try {
      return JSON.stringify(readServeSettings(env, '/work').notices);
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  };

  test('an address must be https, and a wrong one is not repeated in the fault', () => {
    const text = linesOf({ NOTICE_WEBHOOK_URL: 'http://hooks.example.com/secret-path' });
    assert.match(text, /NOTICE_WEBHOOK_URL is not an https address/);
    assert.doesNotMatch(text, /secret-path/);
  });

  test('wrong words are named', () => {
    assert.match(linesOf({ NOTICES: 'everything' }), /NOTICES is not a list of comment/);
    assert.match(linesOf({ NOTICE_FORMAT: 'irc' }), /NOTICE_FORMAT is not one of slack/);
  });
});
