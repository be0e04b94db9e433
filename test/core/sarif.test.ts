/** SARIF: findings at their places, with levels that code scanning knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Log } from 'sarif';
import { z } from 'zod';
import type { Decision } from '../../src/core/decision.ts';
import { makeFinding } from '../../src/core/findings/make.ts';
import { reportSarif } from '../../src/core/words/sarif.ts';

const finding = makeFinding({
  id: 'values-lost',
  radius: 'high',
  object: 'users.email',
  message: '100 values lost in users.email',
  evidence: 'dry run',
  path: 'db/a b#1.sql',
  line: 4,
});
const placeless = makeFinding({ ...finding, id: 'rows-added', radius: 'low', path: null });

const decision: Decision = {
  verdict: 'hold',
  radius: 'high',
  origin: { kind: 'human', agents: [], signals: [] },
  findings: [finding, placeless],
  opinions: [],
  needed: [],
  counted: [],
  refused: [],
  evidenceDigest: 'e',
  shown: [],
  policyDigest: 'p',
  lookAgainMs: null,
};

test('each finding is a result with level, place and a fingerprint that outlives its line', () => {
  const [run] = reportSarif(decision).runs;
  assert.deepEqual(run?.tool.driver.rules, [{ id: 'rows-added' }, { id: 'values-lost' }]);
  assert.deepEqual(run?.properties['verdict'], 'hold');
  const [first, second] = run?.results ?? [];
  assert.deepEqual([first?.level, second?.level], ['error', 'note']);
  assert.deepEqual(first?.locations, [
    {
      physicalLocation: {
        artifactLocation: { uri: 'db/a%20b%231.sql' },
        region: { startLine: 4 },
      },
    },
  ]);
  const whole = { physicalLocation: { artifactLocation: { uri: 'db/a%20b%231.sql' } } };
  assert.deepEqual(second?.locations, [whole], 'at the file that was found first, at no line');
  assert.equal(second?.properties['place'], 'whole change');
  assert.deepEqual(first?.partialFingerprints, { 'tagout/v1': 'values-lost:users.email' });
});

/** The objects of SARIF 2.1.0 that we write, with what section 3 of the standard requires of them. */
const message = z.strictObject({ text: z.string().min(1) });
const location = z.strictObject({
  physicalLocation: z.strictObject({
    artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w%!~*'()./-]+$/) }),
    region: z.strictObject({ startLine: z.int().min(1) }).optional(),
  }),
});
const log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.strictObject({
      tool: z.strictObject({
        driver: z.strictObject({
          name: z.string().min(1),
          informationUri: z.url(),
          rules: z.array(z.strictObject({ id: z.string().min(1) })),
        }),
      }),
      columnKind: z.literal(['utf16CodeUnits', 'unicodeCodePoints']),
      results: z.array(
        z.strictObject({
          ruleId: z.string().min(1),
          level: z.literal(['none', 'note', 'warning', 'error']),
          message,
          // The standard lets it be empty; GitHub then refuses the whole log.
          locations: z.array(location).min(1),
          partialFingerprints: z.record(z.string(), z.string()),
          properties: z.record(z.string(), z.string()),
        }),
      ),
      properties: z.record(z.string(), z.string()),
    }),
  ]),
});

test('the log has the form of SARIF 2.1.0 and names each rule once', () => {
  const parsed = log.parse(JSON.parse(JSON.stringify(reportSarif(decision))));
  // Also a log to the types that are generated from the standard's own schema.
  const typed: Log = parsed;
  assert.equal(typed.version, '2.1.0');
  const [run] = parsed.runs;
  const ids = run.tool.driver.rules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { ruleId } of run.results) assert.ok(ids.includes(ruleId));
});

test('what a printed plan does stands at the migration that it was printed for', () => {
  const printed = makeFinding({ ...finding, path: 'tagout-plan/0001.sql' });
  const code = { ...finding, id: 'migration-changed', path: 'db/versions/2_age.py', line: null };
  const findings = [printed, makeFinding(code)];
  const [run] = log.parse(reportSarif({ ...decision, findings })).runs;
  assert.deepEqual(run.results[0]?.locations, [
    { physicalLocation: { artifactLocation: { uri: 'db/versions/2_age.py' } } },
  ]);
  const [alone] = log.parse(reportSarif({ ...decision, findings: [printed] })).runs;
  const policy = { physicalLocation: { artifactLocation: { uri: '.github/tagout.yml' } } };
  assert.deepEqual(alone.results[0]?.locations, [policy], 'nothing there is in the repository');
});
