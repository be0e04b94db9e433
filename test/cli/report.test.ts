/** `tagout report`: the register as text and CSV, hostile titles, wrong dates, an empty store. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../../src/cli.ts';
import { csvRow } from '../../src/cli/csv.ts';
import { REGISTER_COLUMNS, registerRow } from '../../src/cli/register.ts';
import { readWish } from '../../src/cli/report.ts';
import { deploymentText, emptyTally, tallied, tallyText } from '../../src/cli/report-text.ts';
import type { DeploymentRow } from '../../src/store/report.ts';
import { keptIo } from './io.ts';

const at = (text: string): number => Date.parse(text);

const ROW: DeploymentRow = {
  installationId: 5,
  repoId: 9,
  repo: 'acme/shop',
  environment: 'production',
  rule: 'production',
  runId: 77,
  runAttempt: 1,
  deploymentId: 88,
  sha: 'c0ffee'.padEnd(40, '0'),
  pulls: [12],
  titles: ['=HYPERLINK("http://evil","click")\u202e\nsecond line'],
  requester: { id: 583231, login: 'octocat' },
  agents: ['copilot'],
  origin: 'agent',
  blastRadius: 'high',
  dryRun: 'ok',
  dryRuns: [{ pull: 12, status: 'ok', engine: '18.4', sha256: 'ab'.repeat(32) }],
  approvers: [
    {
      id: 42,
      login: 'ada',
      pull: 12,
      reviewedSha: 'beef'.padEnd(40, '0'),
      submittedAtMs: at('2026-03-01T10:00Z'),
      independent: true,
    },
  ],
  refused: [{ person: { id: 198982749, login: 'Copilot' }, codes: ['R03', 'R06'] }],
  verdict: 'allow',
  codes: [],
  disposition: 'approved',
  requestedAtMs: at('2026-03-01T11:00Z'),
  firstDecidedAtMs: at('2026-03-01T11:00:01Z'),
  decidedAtMs: at('2026-03-01T11:00:01Z'),
  releasedAtMs: at('2026-03-01T11:00:02Z'),
  eventId: '0195f0c0-0000-7000-8000-000000000000',
  evidenceSha256: 'cd'.repeat(32),
  policySha256: 'ef'.repeat(32),
  leafIndex: 3,
};

test('a deployment says who asked, what it was, who approved and where the proof is', () => {
  assert.equal(
    deploymentText(ROW),
    `2026-03-01 11:00 UTC  released with approval
  what       acme/shop to production, run 77
  commit     c0ffee000000, #12 =HYPERLINK("http://evil","click")\\u{202e} second line
  requested  octocat, 2026-03-01 11:00 UTC
  written by agent, copilot
  risk       blast radius high, dry run ok
  approved   by ada at beef00000000 on #12, 2026-03-01 10:00 UTC
  refused    Copilot (R03, R06)
  proof      event 0195f0c0-0000-7000-8000-000000000000, sealed at leaf 3

`,
  );
});

test('a release that nobody approved cannot be overlooked', () => {
  const bare: DeploymentRow = {
    ...ROW,
    disposition: 'none',
    approvers: [],
    refused: [],
    pulls: [],
    titles: [],
    requester: null,
    codes: ['range-unreviewed', 'range-unreviewed'],
    leafIndex: null,
  };
  const text = deploymentText(bare);
  for (const part of [
    'RELEASED WITHOUT ANY APPROVAL',
    'no reviewed pull request',
    'approved   by nobody',
    'requested  unknown',
    'held by    range-unreviewed\n',
    'not sealed yet',
  ]) {
    assert.ok(text.includes(part), part);
  }
  const tally = tallied(tallied(emptyTally(), bare), ROW);
  assert.equal(
    tallyText(tally),
    '2 deployments: 1 with approval, 1 without any, 0 refused, 0 held\n',
  );
});

test('the CSV has one cell for each column, with the title made harmless', () => {
  const cells = registerRow(ROW);
  assert.equal(cells.length, REGISTER_COLUMNS.length);
  const of = (name: string): string | null => cells[REGISTER_COLUMNS.indexOf(name)] ?? null;
  assert.equal(of('released_at'), '2026-03-01T11:00:02.000Z');
  assert.equal(of('approver_login'), 'ada');
  assert.equal(of('refused'), 'Copilot R03 R06');
  assert.match(csvRow([of('pr_title')]), /^"'=HYPERLINK\(""http/);
  const erased = registerRow({ ...ROW, titles: [null], requester: { id: 1, login: null } });
  assert.equal(erased[REGISTER_COLUMNS.indexOf('pr_title')], '(erased)');
  assert.equal(erased[REGISTER_COLUMNS.indexOf('initiator_login')], null);
});

test('dates and repositories are read strictly', () => {
  assert.deepEqual(readWish({ from: '2026-01-01', to: '2026-02-01T12:00+01:00' }), {
    fromMs: at('2026-01-01T00:00Z'),
    toMs: at('2026-02-01T11:00Z'),
    repo: null,
  });
  assert.equal(readWish({ repo: 'acme/shop.js' }).repo, 'acme/shop.js');
});

const wrong: readonly (readonly string[])[] = [
  ['--from', 'yesterday'],
  ['--from', '2026-02-30'],
  ['--from', '2026-1-1'],
  ['--to', '2026-01-01T25:00'],
  ['--from', '2026-02-01', '--to', '2026-02-01'],
  ['--repo', 'shop'],
  ['--repo', "acme/shop' or 1=1"],
];
for (const args of wrong) {
  test(`report ${args.join(' ')} is wrong usage`, async () => {
    const io = keptIo({ TAGOUT_DATA: '/nowhere' });
    assert.equal(await run(['report', ...args], io), 64, io.printed.err);
    assert.ok(io.printed.err.includes(args[0] ?? ''), io.printed.err);
  });
}

const dataDir = mkdtempSync(join(tmpdir(), 'tagout-report-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));

test('a store that is not there is not an empty report; an empty store is one', async () => {
  const io = keptIo({ TAGOUT_DATA: dataDir });
  assert.equal(await run(['report'], io), 78);
  assert.match(io.printed.err, /There is no store in .*: set DATABASE_URL/);
  assert.equal(io.printed.out, '');

  const migrated = keptIo({ TAGOUT_DATA: dataDir });
  assert.equal(await run(['migrate'], migrated), 0, migrated.printed.err);

  const text = keptIo({ TAGOUT_DATA: dataDir });
  assert.equal(await run(['report', '--from', '2026-01-01'], text), 0, text.printed.err);
  assert.match(text.printed.out, /from 2026-01-01 00:00 UTC until now/);
  assert.match(text.printed.out, /0 deployments: 0 with approval/);

  const json = keptIo({ TAGOUT_DATA: dataDir });
  assert.equal(await run(['report', '--format', 'json'], json), 0);
  assert.deepEqual(JSON.parse(json.printed.out), {
    tagout: 1,
    fromMs: null,
    toMs: null,
    repo: null,
    deployments: [],
  });
});
