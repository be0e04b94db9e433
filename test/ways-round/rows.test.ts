/** Every known way round a gate, with the test that closes or detects it, or what the README says of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');

interface Row {
  readonly way: string;
  /** Files under test/, each with the beginning of a test's name in it. */
  readonly tests?: readonly (readonly [file: string, name: string])[];
  /** A way that cannot be closed here: the words of the README under "What it cannot stop". */
  readonly open?: string;
}

const approvals = 'ways-round/approvals.test.ts';
const content = 'ways-round/content.test.ts';
const release = 'ways-round/release.test.ts';
const watch = 'ways-round/watch.test.ts';
const whole = 'ways-round/whole.test.ts';
const fence = 'reliability/posture.test.ts';
const posture = 'doctor/posture.test.ts';

const ROWS: Readonly<Record<string, Row>> = {
  B01: {
    way: "an agent approves with the human's own token",
    tests: [[approvals, 'B01']],
    open: "uses a human's own token",
  },
  B02: {
    way: 'an administrator merges past the gate',
    tests: [
      [release, 'B02 merged past a ruleset'],
      [watch, 'B02 a merge while the check holds'],
      ['ways-round/merges.test.ts', 'a merge of what was never judged'],
    ],
  },
  B03: { way: 'approve, then push more', tests: [[approvals, 'B03']] },
  B04: { way: "a bot approves the bot's pull request", tests: [[approvals, 'B04']] },
  B05: { way: 'a commit with the e-mail of nobody', tests: [[approvals, 'B05']] },
  B06: { way: 'a misspelt environment', tests: [[watch, 'B06']] },
  B07: { way: 'a workflow drops its environment', tests: [[content, 'B07 a workflow that drops']] },
  B08: { way: "the gate's own error approves", tests: [[release, 'B08']] },
  B09: { way: 'no policy, or a broken one', tests: [[content, 'B09']] },
  B10: {
    way: 'the policy is weakened',
    tests: [
      [content, 'B10 a weakened policy'],
      [content, 'B10 weakened by an earlier'],
    ],
  },
  B11: { way: 'a draft left green', tests: [[content, 'B11']] },
  B12: { way: 'a check of the same name by another writer', tests: [[content, 'B12']] },
  B13: { way: 'an administrator starts all waiting jobs', tests: [[watch, 'B13']] },
  B14: { way: 'a direct push to what deploys', tests: [[release, 'B14']] },
  B15: { way: "more files than GitHub's lists hold", tests: [[content, 'B15']] },
  B16: { way: 'one person counted twice', tests: [[approvals, 'B16']] },
  B17: {
    way: 'approving oneself where no page forbids it',
    tests: [
      [approvals, 'B17'],
      ['ways-round/deployers.test.ts', 'B17'],
    ],
  },
  B18: { way: 'an approval without membership', tests: [[approvals, 'B18']] },
  B19: { way: 'a comment that approves', tests: [[approvals, 'B19']] },
  B20: { way: 'a merge queue that passes blindly', tests: [[release, 'B20']] },
  B21: { way: 'an event that skips the decision', tests: [[release, 'B21']] },
  B22: { way: 'a job without a deployment', tests: [[release, 'B22']] },
  B23: { way: 'extra jobs in a released run', open: 'Extra jobs' },
  B24: { way: 'a job that checks out another ref', tests: [[content, 'B24']] },
  B25: { way: 'a reusable workflow that moved', tests: [[release, 'B25']] },
  B26: {
    way: 'a push within seconds of the review',
    tests: [
      [release, 'B26'],
      [watch, 'B26 B37'],
    ],
  },
  B27: { way: "an agent's work under a person's name", tests: [[approvals, 'B27']] },
  B28: {
    way: 'splitting one grave change into small ones',
    tests: [
      [whole, 'B28'],
      ['github-room/deployment.test.ts', 'the migrations of several pull requests run together'],
    ],
  },
  B29: { way: 'a migration outside of the watched paths', tests: [[content, 'B29']] },
  B30: {
    way: 'a migration that behaves otherwise in the sandbox',
    tests: [
      [whole, 'B30'],
      ['sandbox/environment.test.ts', '${wanted'],
    ],
  },
  B31: {
    way: 'a migration that attacks the sandbox',
    tests: [
      [whole, 'B31'],
      ['sandbox/hostile.engines.ts', 'names in public'],
    ],
  },
  B32: { way: 'labels edited by the agent', tests: [[content, 'B32']] },
  B33: { way: 'who approved lost access', tests: [[approvals, 'B33']] },
  B34: { way: 'texts that speak in our name', tests: [[content, 'B34']] },
  B35: { way: 'a callback address from the payload', tests: [[release, 'B35']] },
  B36: { way: 'a forged or replayed webhook', tests: [[watch, 'B36']] },
  B37: { way: 'a lost delivery', tests: [[watch, 'B26 B37']] },
  B38: {
    way: 'flooding until people use the bypass',
    tests: [
      [whole, 'B38'],
      ['reliability/limits.test.ts', 'the last of the hour is kept'],
      ['scenarios/ships.test.ts', 'an agent at its limit'],
    ],
  },
  B39: {
    way: 'a tired approver',
    tests: [[whole, 'B39']],
  },
  B40: {
    way: 'the rule or the app is taken away',
    tests: [
      [fence, 'the rule taken away and given back'],
      [fence, 'rights taken from the installation'],
      ['doctor/doctor.test.ts', 'a fresh repository: what is open'],
      ['doctor/doctor.test.ts', 'a suspended installation is open'],
    ],
  },
  B41: {
    way: 'an actor that is exempt from the ruleset',
    tests: [
      [fence, 'the pin of the check, and who may go past it'],
      [posture, 'an actor that is exempt'],
    ],
  },
  B42: { way: 'secrets changed after the approval', open: 'secrets changed after an approval' },
  B43: { way: 'a deployment made by the API', tests: [[watch, 'B43']] },
  B44: {
    way: 'a plan without protection rules',
    tests: [
      [fence, 'the rule taken away and given back'],
      [posture, 'a private repository on github.com'],
      [posture, 'merge gate only'],
    ],
  },
  B45: {
    way: 'production credentials outside of GitHub',
    open: 'already holds a production credential',
  },
  B46: { way: 'runs of forks and of pull_request_target', tests: [[release, 'B46']] },
  B47: {
    way: 'decisions forged in the database',
    tests: [
      [whole, 'B47'],
      ['audit/verify.test.ts', 'found: ${name}'],
    ],
  },
  B48: {
    way: 'audit rows deleted by a migration of ours',
    tests: [
      [whole, 'B48'],
      ['store/audit-tables.test.ts', 'nobody can log in as the owner'],
    ],
  },
  B49: { way: 'two people who collude', open: 'Two people who collude' },
  B50: { way: 'a backdoor in a self-hosted runner', open: 'self-hosted runners' },
};

/** Names of tests as they are written in a file. */
function namesIn(file: string): readonly string[] {
  const text = readFileSync(join(root, 'test', file), 'utf8');
  return [...text.matchAll(/\btest\(\s*(['"`])((?:(?!\1).)+)\1/gu)].map(([, , name]) => name ?? '');
}

test('every row from B01 to B50 is here', () => {
  const ids = Array.from({ length: 50 }, (_, at) => `B${String(at + 1).padStart(2, '0')}`);
  assert.deepEqual(Object.keys(ROWS), ids);
});

for (const [id, { way, tests = [], open }] of Object.entries(ROWS)) {
  test(`${id} ${way} has its test, or the README says that it stays open`, () => {
    assert.ok(tests.length > 0 || open !== undefined, 'neither a test nor a word');
    for (const [file, name] of tests) {
      const found = namesIn(file).some((one) => one.startsWith(name));
      assert.ok(found, `test/${file} has no test whose name begins with ${name}`);
    }
    if (open === undefined) return;
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const [, limits = ''] = /\n## What it cannot stop\n(.*?)\n## /su.exec(readme) ?? [];
    assert.ok(limits.replace(/\s+/g, ' ').includes(open), `the README does not say "${open}"`);
  });
}
