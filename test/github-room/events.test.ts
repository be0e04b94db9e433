/** From a webhook to triggers: locators and nothing else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TagoutError } from '../../src/core/errors.ts';
import { runIdOf, triggersOf } from '../../src/github/events.ts';

const repository = {
  id: 7,
  name: 'shop',
  full_name: 'acme/shop',
  owner: { login: 'acme' },
  default_branch: 'main',
};
const base = { repository, installation: { id: 42 } };
const repo = { installationId: 42, id: 7, owner: 'acme', name: 'shop' };
const self = { slug: 'tagout' };
const sha = 'a'.repeat(40);

function locators(name: string, payload: object) {
  const triggers = triggersOf({ id: 'd-1', name, payload: { ...base, ...payload } }, self);
  for (const trigger of triggers) assert.equal(trigger.delivery, 'd-1');
  return triggers.map((trigger) => trigger.locator);
}

const pull5 = { kind: 'pull-request', repo, number: 5 };

describe('pull requests', () => {
  for (const action of [
    'opened',
    'reopened',
    'synchronize',
    'edited',
    'ready_for_review',
    'converted_to_draft',
    'assigned',
  ]) {
    test(`pull_request.${action} looks at the pull request`, () => {
      const payload = { action, number: 5, pull_request: { number: 5, state: 'open', title: 'x' } };
      assert.deepEqual(locators('pull_request', payload), [pull5]);
    });
  }

  test('a closed pull request is looked at with every other one of the same head', () => {
    const payload = { action: 'closed', pull_request: { number: 5, head: { sha } } };
    assert.deepEqual(locators('pull_request', payload), [pull5, { kind: 'commit', repo, sha }]);
  });

  test('a trigger carries the event as its reason and no fact of the payload', () => {
    const payload = { ...base, action: 'opened', pull_request: { number: 5, title: 'trust me' } };
    const [trigger] = triggersOf({ id: 'd-1', name: 'pull_request', payload }, self);
    assert.deepEqual(trigger, { locator: pull5, because: 'pull_request.opened', delivery: 'd-1' });
  });

  test('a review of a merged pull request also looks at what waits at the gate', () => {
    const payload = { action: 'submitted', pull_request: { number: 5, state: 'closed' } };
    assert.deepEqual(locators('pull_request_review', payload), [
      pull5,
      { kind: 'repository', repo },
    ]);
  });
});

describe('labels', () => {
  const unlabeled = (name: string, login: string) =>
    locators('pull_request', {
      action: 'unlabeled',
      pull_request: { number: 5 },
      label: { name },
      sender: { login, type: 'User' },
    });

  test('a person who takes our label off makes it come back', () => {
    assert.deepEqual(unlabeled('blast-radius: high', 'octocat'), [pull5]);
  });
  test('another app that takes our label off makes it come back', () => {
    assert.deepEqual(unlabeled('blast-radius: high', 'copilot-swe-agent[bot]'), [pull5]);
  });
  test('our own change of a label is no news', () => {
    assert.deepEqual(unlabeled('blast-radius: high', 'tagout[bot]'), []);
  });
  test('a label of somebody else is no news', () => {
    assert.deepEqual(unlabeled('bug', 'octocat'), []);
  });
});

describe('deployment_protection_rule', () => {
  const url = 'https://api.github.com/repos/acme/shop/actions/runs/17/deployment_protection_rule';
  const asked = (callback: string | undefined) =>
    locators('deployment_protection_rule', {
      action: 'requested',
      environment: 'production',
      deployment: { id: 3, sha },
      ...(callback === undefined ? {} : { deployment_callback_url: callback }),
    });
  const deployment = {
    kind: 'deployment',
    repo,
    runId: 17,
    environment: 'production',
    deploymentId: 3,
  };
  const everything = [{ kind: 'repository', repo }];

  test('the run id comes from the path of the callback', () => {
    assert.deepEqual(asked(url), [deployment]);
  });
  test('an Enterprise Server has its path under /api/v3', () => {
    assert.deepEqual(asked(url.replace('api.github.com', 'ghe.acme.dev/api/v3')), [deployment]);
  });

  const evil = [
    ['another repository', url.replace('acme/shop', 'evil/shop')],
    ['a path in front', url.replace('/repos', '/x/repos')],
    ['a path behind', `${url}/../../../user`],
    ['an id that is no number', url.replace('/17/', '/17e3/')],
    ['an id with a sign', url.replace('/17/', '/-17/')],
    ['an id beyond the integers', url.replace('/17/', '/9999999999999999/')],
    ['an encoded slash', url.replace('acme/shop', 'acme%2Fshop')],
    ['no URL', 'not a url'],
  ] as const;
  for (const [name, callback] of evil) {
    test(`${name}: not believed, every waiting run is looked at instead`, () => {
      assert.deepEqual(asked(callback), everything);
    });
  }
  test('without a callback every waiting run is looked at', () => {
    assert.deepEqual(asked(undefined), everything);
  });
  test('the host of the callback is never used: only the run id leaves the URL', () => {
    assert.equal(runIdOf(url.replace('api.github.com', 'evil.example'), repo), 17);
    assert.ok(
      !JSON.stringify(asked(url.replace('api.github.com', 'evil.example'))).includes('evil'),
    );
  });
});

describe('other events', () => {
  test('a rerequested check looks at every pull request of the commit', () => {
    const expected = [{ kind: 'commit', repo, sha }];
    assert.deepEqual(
      locators('check_run', { action: 'rerequested', check_run: { head_sha: sha } }),
      expected,
    );
    assert.deepEqual(
      locators('check_suite', { action: 'rerequested', check_suite: { head_sha: sha } }),
      expected,
    );
  });
  test('our own check runs are no news', () => {
    for (const action of ['created', 'completed']) {
      assert.deepEqual(locators('check_run', { action, check_run: { head_sha: sha } }), []);
    }
  });
  test('a push to the default branch looks at the repository, any other push does not', () => {
    assert.deepEqual(locators('push', { ref: 'refs/heads/main' }), [{ kind: 'repository', repo }]);
    for (const ref of ['refs/heads/feature', 'refs/tags/main', 'refs/heads/x/main']) {
      assert.deepEqual(locators('push', { ref }), [], ref);
    }
  });
  test('a comment on a pull request looks at it, one on an issue does not', () => {
    const on = (issue: object, login = 'octocat') =>
      locators('issue_comment', {
        action: 'created',
        issue: { number: 5, ...issue },
        sender: { login },
      });
    assert.deepEqual(on({ pull_request: { url: 'x' } }), [pull5]);
    assert.deepEqual(on({ pull_request: { url: 'x' } }, 'tagout[bot]'), []);
    assert.deepEqual(on({}), []);
  });
  test('a merge group is looked at by its commit', () => {
    const group = {
      head_sha: sha,
      head_ref: 'refs/heads/gh-readonly-queue/main/pr-5-b',
      base_ref: 'refs/heads/main',
    };
    assert.deepEqual(locators('merge_group', { action: 'checks_requested', merge_group: group }), [
      {
        kind: 'merge-group',
        repo,
        headSha: sha,
        headRef: 'gh-readonly-queue/main/pr-5-b',
        baseRef: 'main',
      },
    ]);
  });
  test('newly installed repositories are looked at', () => {
    const given = [{ id: 7, name: 'shop', full_name: 'acme/shop' }];
    const payload = { action: 'created', installation: { id: 42 }, repositories: given };
    const triggers = triggersOf({ id: 'd', name: 'installation', payload }, self);
    assert.deepEqual(
      triggers.map(({ locator }) => locator),
      [
        { kind: 'repository', repo },
        { kind: 'posture', installationId: 42, repo: null },
      ],
    );
  });
  test('an event outside the table does nothing', () => {
    assert.deepEqual(locators('star', { action: 'created' }), []);
    assert.deepEqual(locators('constructor', {}), []);
    assert.deepEqual(triggersOf({ id: 'd', name: 'ping', payload: null }, self), []);
  });
  test('a named event without its address is refused by name, and the payload is not repeated', () => {
    const payload = { action: 'opened', pull_request: { number: 'secret' }, ...base };
    assert.throws(
      () => triggersOf({ id: 'd-9', name: 'pull_request', payload }, self),
      (error) =>
        error instanceof TagoutError &&
        error.code === 'bad-input' &&
        /pull_request\.opened.*d-9.*pull_request\.number/.test(error.message) &&
        !error.message.includes('secret'),
    );
  });
});

describe('people and what stands around the gate', () => {
  const installation = { id: 42 };
  const around = (name: string, payload: object) =>
    triggersOf({ id: 'd', name, payload: { installation, ...payload } }, self).map(
      ({ locator }) => locator,
    );
  const approvals = (personId: number | null) => [
    { kind: 'approvals', installationId: 42, personId },
  ];
  const posture = (about: object | null) => [{ kind: 'posture', installationId: 42, repo: about }];

  test('a team or the organisation gains or loses a person: what that person reviewed', () => {
    for (const action of ['added', 'removed']) {
      const payload = { action, scope: 'team', member: { id: 9, login: 'x' }, team: {} };
      assert.deepEqual(around('membership', payload), approvals(9));
      const membership = { role: 'member', user: { id: 9 } };
      const organization = { action: `member_${action}`, membership };
      assert.deepEqual(around('organization', organization), approvals(9));
    }
  });

  test('an account that GitHub does not name any more, and a whole team: all that is reviewed', () => {
    assert.deepEqual(around('membership', { action: 'removed', member: null }), approvals(null));
    const gone = { action: 'member_removed', membership: { user: null } };
    assert.deepEqual(around('organization', gone), approvals(null));
    for (const action of ['deleted', 'edited', 'added_to_repository', 'removed_from_repository']) {
      assert.deepEqual(around('team', { action, team: {}, repository }), approvals(null));
    }
  });

  test('what a team, a role or a rule is now stands in no trigger', () => {
    const payload = { action: 'added', member: { id: 9 }, team: { slug: 'owners' } };
    assert.ok(!JSON.stringify(around('membership', payload)).includes('owners'));
  });

  test("rules of a branch: the repository's posture; an organisation's: that of all", () => {
    for (const [name, actions] of [
      ['repository_ruleset', ['created', 'edited', 'deleted']],
      ['branch_protection_rule', ['created', 'edited', 'deleted']],
      ['branch_protection_configuration', ['enabled', 'disabled']],
      ['repository', ['privatized', 'publicized', 'archived', 'renamed']],
    ] as const) {
      for (const action of actions) {
        assert.deepEqual(around(name, { action, repository }), posture(repo), `${name}.${action}`);
      }
    }
    assert.deepEqual(around('repository_ruleset', { action: 'edited' }), posture(null));
  });

  test('another default branch is another policy; any other edit is no news', () => {
    const edited = (changes: object) =>
      around('repository', { action: 'edited', repository, changes });
    assert.deepEqual(edited({ default_branch: { from: 'main' } }), [{ kind: 'repository', repo }]);
    assert.deepEqual(edited({ description: { from: '' } }), []);
  });

  test('suspended, uninstalled, other rights, other repositories: the whole installation', () => {
    for (const action of [
      'suspend',
      'unsuspend',
      'deleted',
      'new_permissions_accepted',
      'created',
    ]) {
      assert.deepEqual(around('installation', { action }), posture(null), action);
    }
    const removed = { action: 'removed', repositories_removed: [{ id: 1 }] };
    assert.deepEqual(around('installation_repositories', removed), posture(null));
    for (const action of ['deleted', 'transferred']) {
      assert.deepEqual(around('repository', { action, repository }), posture(null), action);
    }
  });
});
