/**
 * `decide` on a large pull request: its next event (other objects, texts that were read before), its
 * first event (texts that no code has seen), and the very same object once more.
 */
import { decide, evidenceDigest } from '../../src/core/decide.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import type { ChangedFile, Commit, Evidence, Review } from '../../src/core/evidence.ts';
import { judgeChange } from '../../src/core/rules/case.ts';
import { evidenceOf } from '../core/stories.ts';
import { ms, quantile, type Row } from './row.ts';

const FILES = 3000;
const COMMITS = 250;
const REVIEWS = 100;
const RUNS = 60;

const FOLDERS = [
  'src/app',
  'src/lib/billing',
  'packages/ui/components',
  'tests/unit',
  'docs/guide',
];

function file(n: number): ChangedFile {
  const folder = FOLDERS[n % FOLDERS.length] ?? 'src';
  const ending = folder.startsWith('docs') ? 'md' : 'ts';
  const blob = (salt: number): string => (n * 7 + salt).toString(16).padStart(40, '0');
  return {
    path: `${folder}/module-${n % 60}/file-${n}.${ending}`,
    previousPath: null,
    status: n % 9 === 0 ? 'added' : 'modified',
    previousBlob: n % 9 === 0 ? null : blob(1),
    blob: blob(2),
    mode: '100644',
    additions: 2,
    deletions: 1,
    patch:
      `@@ -10,4 +10,5 @@ export function total${n}(\n   const rate = rates[code] ?? 1;\n` +
      `-  return price * rate;\n+  const sum = price * rate;\n+  return Math.round(sum * ${n});\n }\n`,
  };
}

function commit(n: number, last: Commit): Commit {
  return {
    ...last,
    sha: n === COMMITS - 1 ? last.sha : n.toString(16).padStart(40, 'c'),
    message: `Round the total in step ${n}\n\nThe sum was cut before, which lost cents.\n`,
  };
}

function review(n: number, one: Review): Review {
  const by = { id: 50_000 + (n % 40), login: `reviewer-${n % 40}`, type: 'User' as const };
  return { ...one, id: 1000 + n, author: by, submittedAtMs: one.submittedAtMs + n * 1000 };
}

/** Evidence of the asked size, as JSON text, so that every run reads it afresh. */
export function largeEvidence(): string {
  const evidence = evidenceOf({
    change: { does: 'drops a column', author: 'Copilot', reviews: [{ by: 'carol' }] },
  });
  const changes = evidence.changes.map((change) => {
    const [last] = change.commits;
    const [first] = change.reviews;
    if (last === undefined || first === undefined) throw new Error('the story has both');
    const large = {
      ...change,
      files: [...change.files, ...Array.from({ length: FILES - 1 }, (_, n) => file(n))].toSorted(
        (one, other) => (one.path < other.path ? -1 : 1),
      ),
      commits: Array.from({ length: COMMITS }, (_, n) => commit(n, last)),
      reviews: [first, ...Array.from({ length: REVIEWS - 1 }, (_, n) => review(n, first))],
    };
    const { shown } = judgeChange(large, effectivePolicy(evidence.policy).policy);
    return { ...large, postings: change.postings.map((posting) => ({ ...posting, shown })) };
  });
  return JSON.stringify({ ...evidence, changes });
}

/** The same size with paths, patches and messages that no run had before: a pull request's first. */
function firstSight(text: string, run: number): Evidence {
  const renamed = text.replaceAll('/module-', `/part-${run}-`).replaceAll(' rate', ` rate${run}`);
  return JSON.parse(renamed.replaceAll(' in step ', ` in step ${run}.`)) as Evidence;
}

export function benchDecide(): readonly Row[] {
  const text = largeEvidence();
  const policy = effectivePolicy((JSON.parse(text) as Evidence).policy);
  const digestMs: number[] = [];
  const decideMs: number[] = [];
  const againMs: number[] = [];
  const digest = evidenceDigest(JSON.parse(text) as Evidence);
  for (let run = 0; run < RUNS * 2; run += 1) {
    const evidence = JSON.parse(text) as Evidence;
    const startedMs = performance.now();
    const decision = decide(policy, evidence, digest);
    const decidedMs = performance.now();
    decide(policy, evidence, digest);
    const twiceMs = performance.now();
    const again = evidenceDigest(evidence);
    const digestedMs = performance.now();
    if (decision.verdict !== 'allow') throw new Error(JSON.stringify(decision.opinions));
    if (again !== digest) throw new Error('the same evidence has the same digest');
    if (run < RUNS) continue;
    decideMs.push(decidedMs - startedMs);
    againMs.push(twiceMs - decidedMs);
    digestMs.push(digestedMs - twiceMs);
  }
  const firstMs = Array.from({ length: RUNS * 2 }, (_, run) => {
    const first = firstSight(text, run);
    const startedMs = performance.now();
    decide(policy, first, digest);
    return performance.now() - startedMs;
  }).slice(RUNS);
  const p50 = quantile(decideMs, 0.5);
  const again = quantile(againMs, 0.5);
  const size = `${FILES} files, ${COMMITS} commits, ${REVIEWS} reviews`;
  return [
    {
      what: `decide, ${size}, evidence read afresh`,
      reach: '≤ 2 ms',
      measured: `median ${ms(p50)}, best ${ms(quantile(decideMs, 0))} of ${RUNS}`,
      ok: p50 <= 2,
    },
    {
      what: 'decide, paths, patches and messages that were never seen before',
      reach: '–',
      measured: `median ${ms(quantile(firstMs, 0.5))}`,
      ok: true,
    },
    {
      what: 'decide, the same evidence object once more',
      reach: '≤ 2 ms',
      measured: `median ${ms(again)}`,
      ok: again <= 2,
    },
    {
      what: `digest of that evidence (${Math.round(text.length / 1024)} KiB), beside decide`,
      reach: '–',
      measured: `median ${ms(quantile(digestMs, 0.5))}`,
      ok: true,
    },
  ];
}
