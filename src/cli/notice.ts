/**
 * Messages to a chat: the address comes from the server's own settings and goes nowhere else, not
 * into the record, the log or a fault. What is sent is plain text in the receiver's own form.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Effect, EffectOutcome } from '../core/effect.ts';
import type { Enact } from '../core/ports.ts';
import type { NoticeSettings, ServeSettings } from './settings.ts';

type Notice = Extract<Effect, { kind: 'notice' }>;
type Format = NonNullable<NoticeSettings['webhook']>['format'];

/** For everything about one notice: the next effect of the same run waits no longer for a chat. */
const LIMIT_MS = 5_000;
const AGAIN_MS = 500;

/** Sends notices to the chat of the settings, and everything else to GitHub. */
export function withNotices(
  github: Enact,
  settings: Pick<ServeSettings, 'notices' | 'githubApiUrl'>,
): Enact {
  const hook = settings.notices?.webhook ?? null;
  return {
    enact: async (effect, known) => {
      if (effect.kind !== 'notice') return github.enact(effect, known);
      if (hook === null) return unsent(null, 'no chat is set up any more (NOTICE_WEBHOOK_URL)');
      const run = runAddress(effect, settings.githubApiUrl);
      return sendNotice(noticeBody(effect, hook.format, run), hook.url);
    },
  };
}

/** The page of the waiting run: made of owner, repository and run, never taken from a payload. */
function runAddress({ repo, runId }: Notice, apiUrl: string): string {
  const { origin } = new URL(apiUrl === 'https://api.github.com' ? 'https://github.com' : apiUrl);
  const path = [repo.owner, repo.name].map(encodeURIComponent).join('/');
  return `${origin}/${path}/actions/runs/${runId}`;
}

/** The message in the receiver's form; nothing of it is read as markup there. */
export function noticeBody(notice: Notice, format: Format, run: string): unknown {
  const { title, lines, repo, environment, over } = notice;
  const place = `${repo.owner}/${repo.name}`;
  switch (format) {
    case 'slack':
      return slackBody(`${title} (${place})`, lines, run);
    case 'teams':
      return teamsBody(`${title} (${place})`, lines, run);
    case 'json':
      return { v: 1, title, lines, repository: place, environment, over, url: run };
  }
}

/** Slack reads `plain_text` as it is; the fallback needs its three characters escaped. */
function slackBody(title: string, lines: readonly string[], run: string): unknown {
  const text = (words: string): unknown => ({
    type: 'section',
    text: { type: 'plain_text', text: words, emoji: false },
  });
  const link = { type: 'mrkdwn', text: `<${run}|The waiting run>`, verbatim: true };
  return {
    text: escaped(title),
    mrkdwn: false,
    unfurl_links: false,
    blocks: [...[title, ...lines].map(text), { type: 'context', elements: [link] }],
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A text run of an Adaptive Card is never read as Markdown, as a text block would be. */
function teamsBody(title: string, lines: readonly string[], run: string): unknown {
  const block = (text: string, weight: string): unknown => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, weight }],
  });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [block(title, 'Bolder'), ...lines.map((text) => block(text, 'Default'))],
    actions: [{ type: 'Action.OpenUrl', title: 'The waiting run', url: run }],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

/**
 * Sends it, and once more when that fails. It never stays in the outbox: a chat that is down must not
 * stand before what GitHub has to be told.
 */
async function sendNotice(body: unknown, url: string): Promise<EffectOutcome> {
  const limit = AbortSignal.timeout(LIMIT_MS);
  const first = await post(body, url, limit);
  if (first.status === 'done' || limit.aborted || !isPassing(first.httpStatus)) return first;
  await sleep(AGAIN_MS);
  return post(body, url, limit);
}

function isPassing(httpStatus: number | null): boolean {
  return httpStatus === null || httpStatus === 429 || httpStatus >= 500;
}

async function post(body: unknown, url: string, limit: AbortSignal): Promise<EffectOutcome> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'tagout' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: limit,
    });
    await response.body?.cancel();
    if (!response.ok) return unsent(response.status, `the chat answered ${response.status}`);
    const nothing = { githubId: null, githubAtMs: null, detail: null, retryAfterMs: null };
    return { status: 'done', ...nothing, httpStatus: response.status };
  } catch (error) {
    // The message of a failed request can name the address, so that only its kind is told.
    const why = error instanceof Error && error.name === 'TimeoutError' ? 'in time' : 'at all';
    return unsent(null, `the chat did not answer ${why}`);
  }
}

function unsent(httpStatus: number | null, detail: string): EffectOutcome {
  const nothing = { githubId: null, githubAtMs: null, retryAfterMs: null };
  return { status: 'refused', ...nothing, httpStatus, detail };
}
