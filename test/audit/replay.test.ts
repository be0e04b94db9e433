import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  openEvidence,
  replayStored,
  replayWords,
  sealEvidence,
} from '../../src/core/audit/evidence-texts.ts';
import { digestOf } from '../../src/core/canonical.ts';
import { judged, repoOf } from '../store/judged.ts';
import { salts } from './log.ts';

describe('replaying stored evidence', () => {
  const { evidence } = judged({ repo: repoOf(1), runId: 1, title: 'Meet Marta Lopez' });
  const stored = sealEvidence(evidence, salts('replay'));
  const recorded = { judged: digestOf(evidence), same: (seen: unknown) => seen === 'hold' };

  test('keeps no name, title or message in the stored text, and gives all of them back', () => {
    assert.doesNotMatch(stored.body, /Marta|Copilot|marta|copilot\/drop/);
    assert.deepEqual(openEvidence(stored), { value: evidence, redacted: 0 });
  });

  test('whole evidence is judged again: the same, or different', () => {
    assert.equal(replayWords(replayStored(stored, recorded, () => 'hold')), 'same');
    assert.equal(replayWords(replayStored(stored, recorded, () => 'allow')), 'different');
  });

  test('after an erasure it is not replayable, never different', () => {
    const texts = stored.texts.filter(({ value }) => value !== 'Meet Marta Lopez');
    const judge = (): never => assert.fail('erased evidence must not be judged');
    const words = replayWords(replayStored({ ...stored, texts }, recorded, judge));
    assert.equal(words, 'not replayable, 1 field redacted');
  });

  test('a forged text counts as erased, and another evidence as different', () => {
    const texts = stored.texts.map((text) => ({ ...text, value: `${text.value}!` }));
    assert.ok(openEvidence({ ...stored, texts }).redacted > 0);
    const other = { ...recorded, judged: 'f'.repeat(64) };
    assert.equal(replayWords(replayStored(stored, other, () => 'hold')), 'different');
  });
});
