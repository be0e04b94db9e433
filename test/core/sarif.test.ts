/** SARIF: findings at their places, with levels that code scanning knows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  assert.equal(second?.locations, undefined);
  assert.deepEqual(first?.partialFingerprints, { 'tagout/v1': 'values-lost:users.email' });
});
