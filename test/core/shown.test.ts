import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { radiusOf } from '../../src/core/blast-radius.ts';
import { findingsOf } from '../../src/core/findings-of.ts';
import type { Change } from '../../src/core/evidence.ts';
import { matchesName, matchesPath } from '../../src/core/glob.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { shownDigest } from '../../src/core/shown.ts';
import { aChange, aCommit, aFile, aFolder, aRun } from './change.ts';
import { law } from './law.ts';

/** Numbers of pull requests that nothing was read of. */
let unseen = 1_000_000;

function shown(change: Change, policy = defaultPolicy): string {
  const findings = findingsOf(change, policy);
  return shownDigest(change, findings, radiusOf(findings));
}

const files = [aFile('src/a.ts'), aFile('src/b.ts', { blob: '4'.repeat(40) })];
const change = aChange({ files, dryRun: aRun(aFolder()) });

test('reviews, commits, times, base, title and the order of files do not change what is shown', () => {
  const commits = [aCommit({ sha: 'e'.repeat(40) })];
  const dryRun = { ...change.dryRun, durationsMs: { baseline: 9, run: 9, total: 18 } };
  const engine = { name: 'PostgreSQL', version: '18.5' } as const;
  const other = {
    ...change,
    commits,
    title: 'x',
    baseSha: 'f'.repeat(40),
    files: files.toReversed(),
  };
  assert.equal(shown({ ...other, dryRun: { ...dryRun, engine } }), shown(change));
});

test('content, mode, a removal, figures, the status and the radius do', () => {
  const digests = [
    change,
    { ...change, files: [files[0] ?? aFile('x')] },
    { ...change, files: [...files.slice(1), aFile('src/a.ts', { blob: '5'.repeat(40) })] },
    { ...change, files: [...files.slice(1), aFile('src/a.ts', { mode: '100755' })] },
    { ...change, files: [...files.slice(1), aFile('src/a.ts', { status: 'removed', blob: null })] },
    { ...change, files: [...files.slice(1), aFile('src/a.ts', { previousPath: 'src/z.ts' })] },
    { ...change, files: [...files.slice(1), aFile('src/a.ts', { blob: null })] },
    { ...change, dryRun: { ...change.dryRun, status: 'none' as const } },
  ].map((one) => shown(one));
  assert.equal(new Set(digests).size, digests.length);
  const findings = findingsOf(change, defaultPolicy);
  assert.notEqual(shownDigest(change, findings, 'critical'), shown(change));
  const first = findings[0];
  assert.ok(first);
  const more = [{ ...first, figures: { files: 99 } }, ...findings.slice(1)];
  assert.notEqual(shownDigest(change, more, radiusOf(findings)), shown(change));
});

/** What a file can say, with values that a reading could confuse when it is remembered. */
const anyFile = fc.record({
  path: fc.constantFrom('scripts/run.sh', 'docs/a.md', 'src/a.ts', 'src/b.sql', 'src/é.ts'),
  previousPath: fc.constantFrom(null, 'docs/old.md', 'Dockerfile'),
  status: fc.constantFrom('added' as const, 'modified' as const, 'removed' as const),
  blob: fc.constantFrom(null, '1'.repeat(40), '2'.repeat(40)),
  previousBlob: fc.constantFrom(null, '1'.repeat(40)),
  mode: fc.constantFrom('100644', '100755', '120000', '160000'),
  additions: fc.constantFrom(0, 1, 2),
  patch: fc.constantFrom(null, '@@ -1 +1 @@\n+a', '@@ -1 +1 @@\n+psql -c "drop table a"'),
});
const anyFiles = fc.uniqueArray(anyFile, { selector: ({ path }) => path, minLength: 1 });
const anyField = fc.constantFrom(
  'previousPath',
  'status',
  'blob',
  'previousBlob',
  'mode',
  'additions',
);

law(
  'what was read of a pull request before does not change how it is read now',
  fc.tuple(anyFiles, anyFiles, anyFile, anyField),
  ([one, other, file, field]) => {
    const [first, ...rest] = one;
    const touched = first === undefined ? [] : [{ ...first, [field]: file[field] }, ...rest];
    for (const list of [one, touched, other]) {
      const now = list.map(({ path, ...over }) => aFile(path, over));
      for (const order of [now, now.toSorted((a, b) => (a.path < b.path ? -1 : 1))]) {
        const known = aChange({ files: order, pull: 7 });
        const fresh = aChange({ files: order, pull: (unseen += 1) });
        assert.deepEqual(findingsOf(known, defaultPolicy), findingsOf(fresh, defaultPolicy));
        assert.equal(shown(known), shown(fresh));
      }
    }
  },
);

test('a changed policy does not void approvals: what only it raised is not in the digest', () => {
  const raised = { ...defaultPolicy, paths: { critical: ['src/**'] } };
  assert.equal(radiusOf(findingsOf(change, raised)), 'critical');
  assert.equal(shown(change, raised), shown(change));
});

for (const [pattern, path, matches] of [
  ['infra/**', 'infra/a/b', true],
  ['infra/**', 'infra', false],
  ['infra/**', 'x/infra/a', false],
  ['infra', 'x/infra/a', true],
  ['infra/', 'x/infra/a', true],
  ['/infra', 'x/infra', false],
  ['*.tf', 'a/b/main.tf', true],
  ['a/*.tf', 'a/b/main.tf', false],
  ['a/**/b', 'a/b', true],
  ['a/**/b', 'a/x/y/b', true],
  ['**/b', 'b', true],
  ['a?c', 'abc', true],
  ['a[!b]c', 'abc', false],
  ['a[a-c]c', 'abc', true],
  ['a[]]c', 'a]c', true],
  ['a\\*c', 'abc', false],
  ['a\\*c', 'a*c', true],
  ['Infra/**', 'infra/a', false],
  ['', 'a', false],
  ['/', 'a', false],
  ['*', 'a/b', true],
] as const) {
  test(`glob ${JSON.stringify(pattern)} ${matches ? 'matches' : 'does not match'} ${path}`, () => {
    assert.equal(matchesPath(pattern, path), matches);
  });
}

test('names have no folders, so a star takes a slash', () => {
  assert.ok(matchesName('prod-*', 'prod-eu/west'));
  assert.ok(!matchesName('prod-*', 'staging'));
});

test('no glob is exponential', () => {
  const started = performance.now();
  matchesPath(`${'*a'.repeat(200)}b`, 'a'.repeat(4000));
  matchesPath(`${'**/a/'.repeat(100)}b`, `${'a/'.repeat(2000)}c`);
  assert.ok(performance.now() - started < 2000);
});

test('a removed file shows that it is gone, whatever blob is named for it', () => {
  const gone = (blob: string | null): Change => ({
    ...change,
    files: [aFile('src/a.ts', { status: 'removed', blob })],
  });
  assert.equal(shown(gone('4'.repeat(40))), shown(gone(null)));
});
