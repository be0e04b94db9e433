/**
 * People are told of a waiting gate by a running server: webhooks come in, a real chat is told over
 * HTTP, and the pull request on the local GitHub has what it should.
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, describe, test } from 'node:test';
import type { ServeSettings } from '../../src/main.ts';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import { openReliable, type ReliableScene } from '../reliability/scene.ts';
import { tagoutCheck, until } from './scene.ts';

/** Everything that a receiver could read as markup, a mention or a link, as an environment's name. */
const NASTY = 'prod <!channel> <at>all</at> @here [x](https://evil.example) *b* `c`';
const POLICY = `version: 1
environments:
  production:
    match: ["production", "prod*"]
    reviews: { low: { count: 1 }, medium: { count: 1 }, high: { count: 1 } }
`;

interface Chat {
  readonly url: string;
  readonly bodies: readonly string[];
  close(): Promise<void>;
}

type Answer = (nth: number, request: IncomingMessage, response: ServerResponse) => void;

/** A chat that keeps what it is told and answers as wished. */
async function openChat(answer: Answer): Promise<Chat> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      answer(bodies.length, request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    url: `http://127.0.0.1:${address.port}/services/chat-hippopotamus`,
    bodies,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Told {
  readonly scene: ReliableScene;
  readonly chat: Chat;
  close(): Promise<void>;
}

const open: Told[] = [];
after(async () => {
  for (const one of open) await one.close();
});

type Format = 'slack' | 'teams' | 'json';

async function telling(format: Format, answer: Answer): Promise<Told> {
  const chat = await openChat(answer);
  const webhook = { url: chat.url, format };
  const extra: Partial<ServeSettings> = { notices: { comment: true, reviewers: true, webhook } };
  const scene = await openReliable(extra, false);
  const files = { '.github/tagout.yml': POLICY };
  await scene.repo.commit({ files, author: scene.people.maria, message: 'Guard prod*' });
  const told: Told = {
    scene,
    chat,
    async close() {
      await chat.close();
      await scene.close();
    },
  };
  open.push(told);
  return told;
}

/** The agent's pull request, merged without a review, and its run that waits at the gate. */
async function waiting({ scene }: Told): Promise<{ readonly pull: Pull; readonly run: Run }> {
  const { repo, people } = scene;
  await ended(await repo.startRun({ actor: people.maria, environment: NASTY }));
  repo.environment(NASTY, { protectedByApp: true });
  const branch = 'copilot/faster';
  const files = { 'src/server.ts': 'fast();\n' };
  await repo.commit({ branch, files, author: people.copilot, message: 'Faster' });
  const pull = await repo.openPull({ author: people.copilot, head: branch, title: NASTY });
  await pull.assign(people.copilot, people.ben);
  await until('it has its check', () => tagoutCheck(repo, pull.headSha)?.conclusion ?? null);
  const sha = await pull.merge({ by: people.maria });
  return { pull, run: await repo.startRun({ actor: people.maria, sha, environment: NASTY }) };
}

async function ended(run: Run): Promise<void> {
  await until(`run ${run.id} is through`, () => (run.state === 'success' ? true : null)).catch(
    (error: Error) => {
      throw new Error(`${error.message}; told: ${run.notes.join(' / ')}`);
    },
  );
}

const heard = (chat: Chat, count: number): Promise<true> =>
  until(`the chat was told ${count} times`, () => (chat.bodies.length >= count ? true : null));

/** What a receiver reads as markup; Slack reads its own in `text`, and nothing in `plain_text`. */
interface SlackBody {
  readonly text: string;
  readonly mrkdwn: boolean;
  readonly blocks: readonly { readonly type: string; readonly text?: { readonly type: string } }[];
}

function slackIsPlain(body: string): void {
  const { text, mrkdwn, blocks }: SlackBody = JSON.parse(body);
  assert.equal(mrkdwn, false);
  assert.doesNotMatch(text, /[<>]/);
  const sections = blocks.filter(({ type }) => type === 'section');
  assert.ok(sections.length >= 1);
  for (const one of sections) assert.equal(one.text?.type, 'plain_text');
}

interface TeamsBody {
  readonly attachments: readonly {
    readonly contentType: string;
    readonly content: { readonly body: readonly { readonly type: string }[] };
  }[];
}

function teamsIsPlain(body: string): void {
  const [card]: TeamsBody['attachments'] = (JSON.parse(body) as TeamsBody).attachments;
  assert.equal(card?.contentType, 'application/vnd.microsoft.card.adaptive');
  for (const { type } of card?.content.body ?? []) assert.equal(type, 'RichTextBlock');
  assert.ok((card?.content.body.length ?? 0) >= 1);
}

const FORMS = [
  ['slack', slackIsPlain],
  ['teams', teamsIsPlain],
] as const;

describe('a waiting gate', () => {
  for (const [format, isPlain] of FORMS) {
    test(`is told to ${format} and on the pull request, once each, and so is its end`, async () => {
      // The first try fails, as a chat that restarts does: it is told again.
      const told = await telling(format, (nth, _, response) => {
        response.writeHead(nth === 1 ? 503 : 200).end('ok');
      });
      const { scene, chat } = told;
      const { pull, run } = await waiting(told);
      await heard(chat, 2);
      assert.equal(chat.bodies[0], chat.bodies[1], 'tried again with the same words');
      const asked = await until('people are asked for a review', () => {
        const list = pull.record.requestedReviewers;
        return list.length > 0 ? list.map(({ login }) => login).toSorted() : null;
      });
      assert.equal(asked.length, 2, 'as many as are needed, and one more');
      // The agent cannot review, and neither can ben, who set it to work.
      for (const login of asked) assert.ok(['maria', 'octavia', 'root'].includes(login), login);
      const comment = await until('there is a comment', () => pull.comments[0]?.body ?? null);
      assert.match(comment, /^\*\*Waiting for a person\*\*/);
      const acting = comment.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
      assert.doesNotMatch(acting, /[@<>[\]]|https?:/, 'nothing of the name is live');

      await pull.review({ by: scene.people.octavia });
      await ended(run);
      await heard(chat, 3);
      await until('the comment is edited', () =>
        pull.comments.some(({ body }) => body.startsWith('**Released**')) ? true : null,
      );
      await scene.gh.settled();
      assert.equal(pull.comments.length, 1, 'one comment, edited');
      assert.equal(chat.bodies.length, 3, 'one message for the wait and one for its end');
      const [, wait = '', end = ''] = chat.bodies;
      assert.match(wait, /Waiting for a person/);
      assert.match(end, /Released/);
      const { app } = scene.gh;
      for (const body of chat.bodies) {
        isPlain(body);
        assert.ok(body.includes(`/acme/shop/actions/runs/${run.id}`), 'the way to the run');
        for (const secret of [app.webhookSecret, app.privateKey.slice(100, 140), 'hippopotamus']) {
          assert.equal(body.includes(secret), false, 'no secret');
        }
      }
      const [row] = await scene.served.store.sql<{ text: string }[]>`
        select string_agg(doc::text, '') as text from audit.event`;
      assert.match(row?.text ?? '', /notice/);
      assert.equal(row?.text.includes('hippopotamus'), false, "nor the chat's address on record");
    });
  }

  test('is released while the chat has not answered at all', async () => {
    const held: ServerResponse[] = [];
    const told = await telling('json', (_, __, response) => held.push(response));
    const { scene, chat } = told;
    const { pull, run } = await waiting(told);
    await heard(chat, 1);
    assert.ok(run.notes.length > 0, 'the gate itself was told before');
    await pull.review({ by: scene.people.octavia });
    await ended(run);
    assert.ok(chat.bodies.every((body) => /Waiting|Released/.test(body)));
    for (const response of held) response.destroy();
  });
});
