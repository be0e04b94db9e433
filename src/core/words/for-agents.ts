/** The decision as one JSON object, for agents that read the check. */
import type { Decision } from '../decision.ts';
import { sortedFindings } from './tables.ts';
import { bytes, cap, visible } from './text.ts';

/** The JSON block stays below this, so that the check never loses its end. */
const MAX_BYTES = 24_000;

/**
 * `{"tagout":1, verdict, radius, codes, findings, remedies, …}`. Findings are dropped from the end
 * until it fits; `findingsLeftOut` says how many.
 */
export function agentsJson(decision: Decision): string {
  for (const max of [50, 20, 5, 0]) {
    const text = JSON.stringify(agentsReport(decision, max), null, 2);
    if (bytes(text) <= MAX_BYTES) return text;
  }
  return JSON.stringify({ tagout: 1, verdict: decision.verdict, radius: decision.radius }, null, 2);
}

/** What an agent reads of a decision, in the check and from `tagout check --json`: docs/agents.md. */
export interface AgentsReport {
  readonly tagout: 1;
  readonly verdict: Decision['verdict'];
  readonly radius: Decision['radius'];
  readonly codes: readonly string[];
  readonly findings: readonly {
    readonly id: string;
    readonly level: string;
    readonly radius: string;
    readonly object: string;
    readonly message: string;
    readonly evidence: string;
    readonly path: string | null;
    readonly line: number | null;
  }[];
  readonly findingsLeftOut: number;
  readonly remedies: readonly {
    readonly code: string;
    readonly reason: string;
    readonly cure: string;
  }[];
  readonly needed: Decision['needed'];
  readonly counted: readonly { readonly id: number; readonly pull: number | null }[];
  readonly refused: readonly {
    readonly id: number | null;
    readonly pull: number | null;
    readonly codes: readonly string[];
  }[];
  readonly shown: Decision['shown'];
}

/** The same with at most so many findings, the worst first. */
export function agentsReport(decision: Decision, maxFindings: number): AgentsReport {
  const held = decision.opinions.filter((opinion) => opinion.verdict !== 'allow');
  return {
    tagout: 1,
    verdict: decision.verdict,
    radius: decision.radius,
    codes: [...new Set(held.map((opinion) => opinion.code))],
    findings: sortedFindings(decision.findings)
      .slice(0, maxFindings)
      .map((finding) => ({
        id: finding.id,
        level: finding.level,
        radius: finding.radius,
        object: text(finding.object),
        message: text(finding.message),
        evidence: text(finding.evidence),
        path: finding.path === null ? null : text(finding.path),
        line: finding.line,
      })),
    findingsLeftOut: Math.max(0, decision.findings.length - maxFindings),
    remedies: held.slice(0, 20).map((opinion) => ({
      code: opinion.code,
      reason: text(opinion.reason),
      cure: text(opinion.cure),
    })),
    needed: decision.needed.slice(0, 20),
    counted: decision.counted.slice(0, 20).map((one) => ({ id: one.person.id, pull: one.pull })),
    refused: decision.refused
      .slice(0, 20)
      .map((one) => ({ id: one.person?.id ?? null, pull: one.pull, codes: one.codes })),
    shown: decision.shown.slice(0, 20),
  };
}

function text(value: string): string {
  return cap(visible(value), 300);
}
