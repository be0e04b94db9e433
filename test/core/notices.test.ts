/** Who is told of a waiting gate, when, and that nothing from outside acts in what is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import { notices } from '../../src/core/notices.ts';
import type { Judged } from '../../src/core/ports.ts';
import { judge } from '../../src/line.ts';
import { HOSTILE } from '../golden/scenes.ts';
import { type ChangeStory, play, REPO, type Story } from './stories.ts';

const ALL = { comment: true, reviewers: true, chat: true } as const;
const waiting: ChangeStory = { does: 'drops a column', state: 'merged' };

function told(story: Story, wishes: Parameters<typeof notices>[1] = ALL): readonly Effect[] {
  const locator = { kind: 'repository', repo: REPO } as const;
  const trigger = { locator, because: 'test', delivery: null };
  return notices({ trigger, locator, ...play(story) }, wishes);
}

function only<K extends Effect['kind']>(story: Story, kind: K): Extract<Effect, { kind: K }> {
  const found = told(story).filter((effect) => effect.kind === kind);
  assert.equal(found.length, 1, `one effect of kind ${kind}`);
  return found[0] as Extract<Effect, { kind: K }>;
}

const held: Story = { change: waiting, deployment: {} };
const released: Story = { change: { ...waiting, reviews: [{ by: 'carol' }] }, deployment: {} };

describe('when people are told', () => {
  test('of a run that waits at the gate, and only in the ways that are wished', () => {
    assert.deepEqual(
      told(held).map(({ kind }) => kind),
      ['pull-comment', 'notice'],
    );
    const none = { comment: false, reviewers: false, chat: false };
    assert.deepEqual(told(held, none), []);
  });

  test('not of a pull request, a bypass or a hold that heals by itself', () => {
    assert.deepEqual(told({ change: waiting }), []);
    assert.deepEqual(told({ change: waiting, checkout: true }), []);
    const gap = { what: 'commits', why: 'truncated', detail: 'The list did not end.' } as const;
    const lag = (nowMinute: number): Story => {
      return { change: waiting, deployment: { requestedMinute: 100 }, gaps: [gap], nowMinute };
    };
    assert.notEqual(play(lag(101)).decision.lookAgainMs, null);
    assert.deepEqual(told(lag(101)), []);
    assert.equal(told(lag(102)).length, 2, 'it did not heal');
  });

  test('the end of the wait is marked as such, so that it is told only where the wait was', () => {
    assert.equal(play(released).decision.verdict, 'allow');
    assert.equal(only(held, 'pull-comment').over, false);
    assert.equal(only(released, 'pull-comment').over, true);
    assert.equal(only(released, 'notice').over, true);
    assert.match(only(released, 'pull-comment').body, /^\*\*Released\*\*/);
  });
});

describe('the line', () => {
  test('records the notices behind what the gate itself is told, and none without a wish', async () => {
    const { evidence } = play(held);
    const locator = { kind: 'repository', repo: REPO } as const;
    const kinds = async (wished: object): Promise<readonly string[]> => {
      let seen: readonly Effect[] = [];
      const record = async (judged: Judged): Promise<{ eventId: string; outbox: string[] }> => {
        seen = judged.effects;
        return { eventId: 'e', outbox: [] };
      };
      const gather = { expand: async () => [locator], read: async () => evidence };
      const trigger = { locator, because: 'test', delivery: null };
      await judge(trigger, locator, { gather, record: { record }, ...wished });
      return seen.map(({ kind }) => kind);
    };
    const alone = await kinds({});
    assert.deepEqual(await kinds({ notices: ALL }), [...alone, 'pull-comment', 'notice']);
    assert.ok(alone.includes('deployment-note') && !alone.includes('pull-comment'));
  });
});

describe('what people are told', () => {
  test('what waits, why, who can release it and how', () => {
    const { body, pull } = only(held, 'pull-comment');
    assert.equal(pull, 7);
    assert.match(body, /^\*\*Waiting for a person\*\*: `[0-9a-f]{7}` to `production`/);
    assert.match(body, /needs 1 independent approval/);
    assert.match(body, /with write access/);
    assert.match(body, /`approvals-missing`/);
    assert.match(body, /releases nothing/);
    const { title, lines } = only(held, 'notice');
    assert.match(title, /^Waiting for a person: [0-9a-f]{7} to production, blast radius high$/);
    assert.match(lines.join('\n'), /needs 1 independent approval/);
  });

  test('the same wait has the same keys; other reasons edit the comment and are not told again', () => {
    const asked = { ...waiting, reviews: [{ by: 'carol', of: 'old' as const }] };
    const more: Story = { change: asked, deployment: {} };
    assert.deepEqual(told(held), told(held));
    assert.equal(only(more, 'notice').key, only(held, 'notice').key);
    assert.notEqual(only(released, 'notice').key, only(held, 'notice').key);
  });

  test('nothing from outside acts in the comment, and the chat gets no markup at all', () => {
    const nasty: ChangeStory = { ...waiting, title: HOSTILE, branch: HOSTILE, body: HOSTILE };
    const gap = { what: HOSTILE, why: 'truncated', detail: HOSTILE } as const;
    const story = { change: nasty, deployment: {}, gaps: Array.from({ length: 30 }, () => gap) };
    const { body } = only(story, 'pull-comment');
    const acting = body.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
    assert.doesNotMatch(acting, /[@<>[\]\\!`]|https?:|www\./);
    assert.ok(Buffer.byteLength(body) < 9_000);
    const { title, lines } = only(story, 'notice');
    for (const text of [title, ...lines]) {
      assert.doesNotMatch(text, /[`\n\u202e\u200b]/);
      assert.ok(text.length <= 500);
    }
    assert.ok(lines.length <= 11);
  });
});

describe('who is asked for a review', () => {
  const people = ['alice', 'bob', 'carol', 'dave', 'erin'];

  test('as many as are needed and one more, of those whose approval would count', () => {
    const { logins, pull } = only({ ...held, eligible: people }, 'review-request');
    assert.equal(pull, 7);
    assert.equal(logins.length, 2);
    const author = play(held).evidence.changes[0]?.author?.login ?? '';
    for (const login of logins) assert.ok(people.includes(login) && login !== author);
  });

  test('nobody when nobody could, when the list was not read, or when all is given', () => {
    const kinds = (story: Story): readonly string[] => told(story).map(({ kind }) => kind);
    assert.ok(!kinds({ ...held, eligible: [] }).includes('review-request'));
    assert.ok(!kinds(held).includes('review-request'));
    assert.ok(!kinds({ ...released, eligible: people }).includes('review-request'));
    const readers = Object.fromEntries(people.map((login) => [login, 'read' as const]));
    const unable = { ...held, eligible: people, permissions: readers };
    assert.ok(!kinds(unable).includes('review-request'));
  });
});
