/** What GitHub is told: which effects, with which keys. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Effect } from '../../src/core/effect.ts';
import { effectsOf } from '../golden/scenes.ts';
import { type ChangeStory, DEPLOYED, HEAD, type Story } from './stories.ts';

const docs: ChangeStory = { does: 'docs', reviews: [{ by: 'carol' }] };

function only<K extends Effect['kind']>(story: Story, kind: K): Extract<Effect, { kind: K }> {
  const found = effectsOf(story).filter((effect) => effect.kind === kind);
  assert.equal(found.length, 1, `one effect of kind ${kind}`);
  return found[0] as Extract<Effect, { kind: K }>;
}

describe('pull requests', () => {
  test('the check stands on the head commit and says what was shown', () => {
    const check = only({ change: docs }, 'check-run');
    assert.equal(check.name, 'tagout');
    assert.equal(check.headSha, HEAD);
    assert.equal(check.shown?.pull, 7);
    assert.equal(check.shown?.baseRef, 'main');
    assert.match(check.shown?.digest ?? '', /^[0-9a-f]{64}$/);
    assert.match(check.externalId, /^[0-9a-f]{32}$/);
  });

  test('allow is success, hold is action_required, and nothing is neutral or skipped', () => {
    assert.equal(only({ change: docs }, 'check-run').conclusion, 'success');
    const held = only({ change: { ...docs, reviews: [] } }, 'check-run');
    assert.equal(held.conclusion, 'action_required');
  });

  test('the label is added once and the others of ours are removed, not those of others', () => {
    const labels = ['blast-radius: high', 'Blast-Radius: Medium', 'bug'];
    const told = only({ change: { ...docs, labels } }, 'labels');
    assert.deepEqual(
      told.add.map((label) => label.name),
      ['blast-radius: low'],
    );
    assert.deepEqual(told.remove, ['Blast-Radius: Medium', 'blast-radius: high']);
    for (const label of told.add) {
      assert.match(label.color, /^[0-9a-f]{6}$/);
      assert.ok(label.description.length <= 100);
    }
  });

  test('with the right label there is nothing to say about labels', () => {
    const told = effectsOf({ change: { ...docs, labels: ['blast-radius: low', 'bug'] } });
    assert.deepEqual(
      told.map((effect) => effect.kind),
      ['check-run'],
    );
  });

  test('a merged pull request is told as well', () => {
    const late = { ...docs, state: 'merged' as const };
    assert.equal(only({ change: late }, 'check-run').conclusion, 'success');
  });

  test('annotations stand at the line of the finding', () => {
    const { annotations } = only({ change: { does: 'drops a column' } }, 'check-run');
    const danger = annotations.find((one) => one.level === 'failure');
    assert.equal(danger?.path, 'drizzle/0007_drop_email.sql');
    assert.ok((danger?.startLine ?? 0) >= 1);
  });
});

describe('merge groups', () => {
  test('the check stands on the group’s head commit, without labels', () => {
    const told = effectsOf({ mergeGroup: true, changes: [docs] });
    assert.deepEqual(
      told.map((effect) => effect.kind),
      ['check-run'],
    );
    assert.equal(only({ mergeGroup: true, changes: [docs] }, 'check-run').headSha, DEPLOYED);
  });
});

describe('deployments', () => {
  test('allow releases once', () => {
    const told = only({ changes: [docs], deployment: {} }, 'review-deployment');
    assert.equal(told.state, 'approved');
    assert.equal(told.runId, 77);
    assert.match(told.comment, /^Released: `ddddddd` to `production`/);
  });

  test('deny rejects', () => {
    const story = { changes: [docs], deployment: { forkRun: true } };
    assert.equal(only(story, 'review-deployment').state, 'rejected');
  });

  test('hold leaves a note and never a verdict', () => {
    const told = effectsOf({ changes: [{ does: 'docs' }], deployment: {} });
    assert.deepEqual(
      told.map((effect) => effect.kind),
      ['deployment-note'],
    );
  });

  test('a range that is graver than its parts is shown at the newest pull request', () => {
    const pulls = [7, 8].map((pull) => ({ ...docs, pull, does: 'adds a column' as const }));
    const story: Story = { changes: pulls, deployment: { together: 'drops a table' } };
    const check = only(story, 'check-run');
    assert.equal(check.name, 'tagout/production');
    assert.equal(check.conclusion, 'action_required');
    assert.equal(check.shown?.pull, 8);
    assert.notEqual(check.shown?.digest, only({ change: docs }, 'check-run').shown?.digest);
  });

  test('the same hold later has the same key; another reason has another', () => {
    const hold: Story = { changes: [{ does: 'docs' }], deployment: {} };
    const key = only(hold, 'deployment-note').key;
    assert.equal(only({ ...hold, nowMinute: 300 }, 'deployment-note').key, key);
    assert.notEqual(only({ ...hold, changes: [{ does: 'code' }] }, 'deployment-note').key, key);
  });

  test('a release has one key however often it is judged', () => {
    const allow: Story = { changes: [docs], deployment: {} };
    const key = only(allow, 'review-deployment').key;
    assert.equal(only({ ...allow, nowMinute: 300 }, 'review-deployment').key, key);
  });
});

describe('keys of checks', () => {
  test('going back to an earlier verdict is written again', () => {
    // Otherwise a check that was green in between would stay green.
    const held: Story = { change: { does: 'docs' } };
    const first = only(held, 'check-run').key;
    const later = only({ ...held, nowMinute: 121 }, 'check-run').key;
    assert.notEqual(first, later);
    assert.equal(only(held, 'check-run').key, first);
  });
});

test('a checkout tells GitHub nothing', () => {
  assert.deepEqual(effectsOf({ checkout: true, change: { does: 'docs' } }), []);
});
