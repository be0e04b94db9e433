/** Every case of test/core/cases/decide-*.json, as a compliance officer reads them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Standing } from '../../src/core/evidence.ts';
import { peopleOf } from '../../src/core/rules/case.ts';
import { evidenceOf, play, type Story } from './stories.ts';

interface DecideCase {
  readonly name: string;
  readonly given: string;
  readonly when: string;
  readonly story: Story;
  readonly then: {
    readonly verdict: string;
    /** Codes of all opinions that do not allow, each once. */
    readonly codes: readonly string[];
    readonly refused?: Readonly<Record<string, readonly string[]>>;
    readonly counted?: readonly string[];
    readonly radius?: string;
    readonly agents?: readonly string[];
    readonly origin?: string;
    readonly independent?: boolean;
    readonly look?: boolean;
  };
}

const folder = join(import.meta.dirname, 'cases');
const files = readdirSync(folder).filter((file) => /^decide-.*\.json$/.test(file));

for (const file of files) {
  const cases: readonly DecideCase[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  describe(file, () => {
    for (const one of cases) test(one.name, () => check(one));
    test('names are unique', () => {
      assert.equal(new Set(cases.map((one) => one.name)).size, cases.length);
    });
  });
}

function check({ story, then }: DecideCase): void {
  const { decision } = play(story);
  const codes = decision.opinions.filter((one) => one.verdict !== 'allow').map((one) => one.code);
  const why = JSON.stringify(decision.opinions, null, 1);
  assert.deepEqual([...new Set(codes)].sort(), then.codes.toSorted(), why);
  assert.equal(decision.verdict, then.verdict, why);
  for (const one of decision.opinions) {
    assert.equal(one.cure === '', one.verdict === 'allow', `${one.code} must name its cure`);
  }
  if (then.radius !== undefined) assert.equal(decision.radius, then.radius);
  if (then.origin !== undefined) assert.equal(decision.origin.kind, then.origin);
  for (const agent of then.agents ?? []) assert.ok(decision.origin.agents.includes(agent), agent);
  if (then.counted !== undefined) {
    assert.deepEqual(decision.counted.map((one) => one.person.login).sort(), then.counted);
  }
  if (then.refused !== undefined) {
    const refused = decision.refused.map((one) => [one.person?.login ?? 'ghost', one.codes]);
    assert.deepEqual(Object.fromEntries(refused), then.refused);
  }
  if (then.independent !== undefined) {
    for (const one of decision.counted) assert.equal(one.independent, then.independent);
  }
  if (then.look === true) assert.ok((decision.lookAgainMs ?? 0) > 0, 'must look again');
}

test('of two readings of one person the weaker permission speaks, with the teams of both', () => {
  const evidence = evidenceOf({ change: {} });
  const seen = (permission: Standing['permission'], teams: readonly string[]): Standing => ({
    id: 9,
    login: 'dave',
    permission,
    teams,
  });
  const [strong, weak] = [seen('admin', ['platform', 'dba']), seen('read', ['dba', 'web'])];
  for (const people of [
    [strong, weak],
    [weak, strong],
  ]) {
    assert.deepEqual(peopleOf({ ...evidence, people }).get(9), seen('read', ['dba']));
  }
});
