/** How the doctor's findings are printed: for people, worst first, and as JSON. */
import { countLevels, isGuarded } from '../../core/posture.ts';
import type { PostureFinding, PostureLevel } from '../../core/posture.ts';
import { counted } from '../../core/words/text.ts';
import type { Look } from '../doctor.ts';

type Told = Look & { readonly checkedAtMs: number };

const LABELS: Readonly<Record<PostureLevel, string>> = {
  open: 'NOT GUARDED',
  unknown: 'UNKNOWN',
  advice: 'advice',
  guarded: 'in order',
};

const ORDER: readonly PostureLevel[] = ['open', 'unknown', 'advice', 'guarded'];
const INDENT = ' '.repeat(13);
const WIDTH = 100;

/** Breaks a sentence into lines; a word that is longer than a line stays whole, to be copied. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let open = '';
  for (const word of text.split(' ')) {
    const longer = open === '' ? word : `${open} ${word}`;
    if (longer.length > WIDTH - INDENT.length && open !== '') {
      lines.push(open);
      open = word;
    } else open = longer;
  }
  return [...lines, open].map((one) => `${INDENT}${one}\n`).join('');
}

function finding(one: PostureFinding): string {
  const head = `${LABELS[one.level].padEnd(INDENT.length)}${one.about}\n`;
  if (one.level === 'guarded') return `${head}${wrapped(one.says)}`;
  const place = one.mend === null ? '' : `${INDENT}mend: ${one.mend.place}\n`;
  const command = one.mend?.command ?? null;
  const run = command === null ? '' : `${INDENT}run:  ${command}\n`;
  return `${head}${wrapped(one.says)}${place}${run}`;
}

/** For people: what is open comes first, what is in order last, then one line that sums it up. */
export function doctorText(told: Told): string {
  const sorted = ORDER.flatMap((level) => told.findings.filter((one) => one.level === level));
  const counts = countLevels(told.findings);
  const sum =
    `${counts.open} not guarded, ${counts.unknown} unknown, ${counts.advice} to consider, ` +
    `${counts.guarded} in order; ${counted(told.repositories, 'repository', 'repositories')}, ` +
    `${counted(told.requests, 'request')}.\n`;
  const verdict = isGuarded(told.findings)
    ? 'All that was looked at is guarded.\n'
    : 'Not everything is guarded: what is not, is not held.\n';
  const head = `App ${told.app.slug} (id ${told.app.appId}) at ${told.githubApiUrl}\n\n`;
  return `${head}${sorted.map(finding).join('\n')}\n${verdict}${sum}`;
}

/** One JSON object; its form changes only with `version`. */
export function doctorJson(told: Told): string {
  const { app, findings, repositories, requests } = told;
  const report = {
    version: 1,
    checkedAt: new Date(told.checkedAtMs).toISOString(),
    app: { id: app.appId, slug: app.slug, api: told.githubApiUrl },
    guarded: isGuarded(findings),
    counts: countLevels(findings),
    repositories,
    requests,
    findings,
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
