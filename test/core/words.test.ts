/** Texts for people: golden files byte by byte, and nothing from outside that acts in Markdown. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bytes, cap, fence, fit, name, prose, visible } from '../../src/core/words/text.ts';
import { effectsOf, HOSTILE, render, SCENES } from '../golden/scenes.ts';
import type { ChangeStory } from './stories.ts';

const golden = join(import.meta.dirname, '..', 'golden');
const SEED = Number(process.env['TAGOUT_SEED'] ?? 20_261_123);

describe('golden files', () => {
  for (const scene of SCENES) {
    test(scene.file, () => {
      const expected = readFileSync(join(golden, scene.file), 'utf8');
      const hint = 'if this is meant: node test/golden/update.ts, then read the difference';
      assert.equal(render(scene), expected, hint);
    });
  }
  test('no golden file is left without a scene', () => {
    const files = readdirSync(golden).filter((file) => !/\.ts$|^demo-/.test(file));
    assert.deepEqual(files.sort(), SCENES.map((scene) => scene.file).sort());
  });
});

/** What is left of a text outside of code spans and fences: there Markdown acts. */
function acting(markdown: string): string {
  const withoutFences = markdown.replace(/^(`{3,})[^`\n]*\n[\s\S]*?^\1$/gm, '');
  return withoutFences.replace(/(?<!`)(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)/g, '');
}

/** Mentions, HTML, images, links and tables that are not ours. */
function assertHarmless(markdown: string): void {
  const left = acting(markdown)
    .replaceAll('<details><summary>Details</summary>', '')
    .replaceAll('<details><summary>For agents, as JSON</summary>', '')
    .replaceAll('</details>', '');
  assert.doesNotMatch(left, /[@<>[\]\\!]|https?:|www\./, left);
  assert.doesNotMatch(markdown.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
}

describe('text from outside', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({
      unit: fc.constantFrom(...Array.from('`|@<>[]()!#*_~\\\n\t &:/.-=+ab1\u202e\u200b')),
      maxLength: 60,
    }),
    fc.constant(HOSTILE),
  );

  test('name and prose leave nothing that acts', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        assertHarmless(name(text));
        assertHarmless(prose(text));
        assert.doesNotMatch(name(text), /\n/);
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test('the whole check leaves nothing that acts, whatever is written where', () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, (one, two, three) => {
        const change: ChangeStory = {
          does: 'drops a column',
          title: one,
          body: `Requested by: @${two}\n${one}`,
          branch: two,
          commits: [{ by: 'alice', message: three }, { by: `${two}@x` }],
          paths: [three, `drizzle/${one}`],
          labels: [two],
          viaApp: three,
        };
        for (const effect of effectsOf({ change, gaps: [gap(one, two)] })) {
          if (effect.kind !== 'check-run') continue;
          assertHarmless(effect.summary);
          assertHarmless(effect.text);
          assert.doesNotMatch(effect.title, /[\n\u202e]/);
          assert.ok(effect.title.length <= 255);
        }
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  function gap(what: string, detail: string): { what: string; why: 'truncated'; detail: string } {
    return { what, why: 'truncated', detail };
  }

  test('a fence is longer than what it holds', () => {
    assert.equal(fence('a ```` b', 'json'), '`````json\na ```` b\n`````');
  });

  test('invisible characters become visible', () => {
    assert.equal(visible('a\u202eb\u0000c\u{e0041}'), 'a\\u{202e}b\\u{0}c\\u{e0041}');
  });

  test('cutting never splits a character', () => {
    assert.equal(cap('ab😀cd', 4), 'ab…');
    assert.equal(cap('abcd', 4), 'abcd');
  });
});

describe('limits', () => {
  test('sections are taken whole, and what is left out is named', () => {
    const text = fit(
      [
        { title: 'one', text: 'x'.repeat(500) },
        { title: 'two', text: 'y'.repeat(600) },
        { title: 'three', text: 'z' },
      ],
      1000,
    );
    assert.ok(text.startsWith('x'.repeat(500)));
    assert.match(text, /\*\*cut here:\*\* two and three did not fit/);
    assert.ok(bytes(text) <= 1000);
  });

  test('the check of a huge change stays inside GitHub’s limits', () => {
    const paths = Array.from({ length: 3000 }, (_, i) => `terraform/${'ü'.repeat(60)}${i}.tf`);
    const reviews = Array.from({ length: 100 }, (_, i) => ({
      by: 'bob',
      minute: i + 1,
      id: i + 1,
    }));
    const told = effectsOf({ change: { paths, reviews, branch: '😀'.repeat(5000) } });
    const [check] = told;
    assert.equal(check?.kind, 'check-run');
    if (check?.kind !== 'check-run') return;
    assert.ok(bytes(check.summary) <= 65_535);
    assert.ok(bytes(check.text) <= 65_535);
    assert.ok(check.annotations.length <= 50);
    assert.match(check.summary + check.text, /cut here:/);
  });

  test('a note at a waiting run has at most 1,024 characters', () => {
    const changes = Array.from({ length: 30 }, (_, i) => ({
      pull: i + 1,
      branch: 'x'.repeat(250),
    }));
    const environment = `production ${'y'.repeat(240)}`;
    for (const effect of effectsOf({ changes, deployment: { environment } })) {
      assert.equal(effect.kind, 'deployment-note');
      if (effect.kind === 'deployment-note') assert.ok(effect.comment.length <= 1024);
    }
  });
});
