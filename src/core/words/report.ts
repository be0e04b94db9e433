/** What `tagout check` prints: a text for a terminal, and one JSON object. */
import type { Decision } from '../decision.ts';
import type { Advice } from '../dry-run.ts';
import type { Evidence } from '../evidence.ts';
import { type Told, titleOf } from './check.ts';
import { type AgentsReport, agentsReport } from './for-agents.ts';
import { needWords } from './needs.ts';
import { measured, raisedFor, toldFindings } from './tables.ts';
import { counted, line, list } from './text.ts';

/** The report as lines for a terminal, without Markdown and without control characters. */
export function reportText(told: Told): string {
  const { evidence, decision } = told;
  const lines = [
    checkTitle(decision),
    '',
    `blast radius  ${decision.radius}`,
    `written by    ${originLine(decision)}`,
    `dry run       ${evidence.changes.map((change) => dryRunLine(change.dryRun)).join('; ') || 'none'}`,
    ...migrationsOf(evidence).map(
      (m) => `migration     ${line(m.path, 200)} (${line(m.framework, 40)})`,
    ),
    '',
    ...findingLines(told),
    ...opinionLines(decision),
    ...decision.needed
      .filter((need) => need.counted < need.count)
      .map((need) => neededLine(need, told)),
  ];
  return `${lines.join('\n')}\n`;
}

function checkTitle(decision: Decision): string {
  return decision.verdict === 'allow' && decision.counted.length === 0
    ? 'Clear: the change itself gives no reason to hold'
    : titleOf(decision);
}

function originLine({ origin }: Decision): string {
  if (origin.agents.length === 0) return origin.kind;
  return `${origin.kind}: ${list(origin.agents.map((agent) => line(agent, 60)))}`;
}

function dryRunLine(dryRun: Evidence['changes'][number]['dryRun']): string {
  if (dryRun.status === 'none') return 'none (no migrations)';
  const engine = dryRun.engine === null ? '' : `, PostgreSQL ${line(dryRun.engine.version, 40)}`;
  const reason = dryRun.reason === null ? '' : `: ${line(dryRun.reason, 300)}`;
  return `${dryRun.status}${engine}, ${dryRun.durationsMs.total} ms${reason}`;
}

function findingLines({ evidence, decision }: Told): readonly string[] {
  const told = toldFindings(decision.findings);
  const shown = told.slice(0, 100);
  const lines = shown.flatMap((finding) => {
    const { before, after } = measured(evidence, finding);
    const place =
      finding.path === null ? '' : ` at ${line(finding.path, 200)}:${finding.line ?? 1}`;
    const figures = before === '–' ? '' : ` (${line(before, 100)} → ${line(after, 100)})`;
    return [
      `${finding.level.padEnd(6)}  ${finding.radius.padEnd(8)}  ${line(finding.message, 300)}${figures}`,
      `                  ${line(finding.id, 60)}, by ${line(finding.evidence, 60)}${place}`,
    ];
  });
  const left = told.length - shown.length;
  return [...lines, ...(left > 0 ? [`cut here: ${counted(left, 'more finding')}`] : []), ''];
}

function opinionLines(decision: Decision): readonly string[] {
  return decision.opinions
    .filter((opinion) => opinion.verdict !== 'allow')
    .flatMap((opinion) => [
      `${opinion.verdict}: ${plain(opinion.reason)} [${opinion.code}]`,
      `      ${plain(opinion.cure)}`,
    ]);
}

function neededLine(need: Decision['needed'][number], told: Told): string {
  const words = needWords(need.count - need.counted, need.missingTeams);
  return `needed for release (${need.radius}): ${plain(words + raisedFor(told, need.pull))}`;
}

function plain(markdown: string): string {
  return line(markdown.replaceAll('`', ''), 1000);
}

/** The object that `tagout check --json` prints; its fields are a contract. */
export interface CheckReport extends AgentsReport {
  readonly decision: Decision['verdict'];
  readonly blastRadius: Decision['radius'];
  readonly origin: Decision['origin'];
  readonly migrations: readonly { readonly path: string; readonly framework: string }[];
  readonly dryRun: {
    readonly status: string;
    readonly reason: string | null;
    readonly engineVersion: string | null;
    readonly durationsMs: {
      readonly baseline: number;
      readonly run: number;
      readonly total: number;
    };
    readonly baselineCached: boolean;
    /** Null: not available, or nothing was run. It decides nothing. */
    readonly advice: Advice | null;
  };
  readonly reasons: readonly {
    readonly code: string;
    readonly verdict: string;
    readonly reason: string;
    readonly cure: string;
  }[];
  readonly evidenceDigest: string;
  readonly policyDigest: string;
}

/** The same as one JSON value. */
export function reportJson({ evidence, decision }: Told): CheckReport {
  return {
    ...agentsReport(decision, decision.findings.length),
    decision: decision.verdict,
    blastRadius: decision.radius,
    origin: decision.origin,
    migrations: migrationsOf(evidence),
    dryRun: dryRunJson(evidence),
    reasons: decision.opinions
      .filter((opinion) => opinion.verdict !== 'allow')
      .map(({ code, verdict, reason, cure }) => ({ code, verdict, reason, cure })),
    evidenceDigest: decision.evidenceDigest,
    policyDigest: decision.policyDigest,
  };
}

/** Of several dry runs the worst speaks. */
const WORST = ['failed', 'not-comparable', 'ok', 'none'] as const;

function dryRunJson(evidence: Evidence): CheckReport['dryRun'] {
  const [dryRun] = evidence.changes
    .map((change) => change.dryRun)
    .toSorted((a, b) => WORST.indexOf(a.status) - WORST.indexOf(b.status));
  return {
    status: dryRun?.status ?? 'none',
    reason: dryRun?.reason ?? null,
    engineVersion: dryRun?.engine?.version ?? null,
    durationsMs: dryRun?.durationsMs ?? { baseline: 0, run: 0, total: 0 },
    baselineCached: dryRun?.baselineCached ?? false,
    advice: dryRun?.advice ?? null,
  };
}

function migrationsOf(evidence: Evidence): CheckReport['migrations'] {
  return evidence.changes.flatMap((change) =>
    change.dryRun.folders.flatMap((folder) =>
      folder.steps.map((step) => ({ path: step.path, framework: folder.framework })),
    ),
  );
}
