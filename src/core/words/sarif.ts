/** The findings of a decision as SARIF 2.1.0, for code scanning and editors. */
import type { Decision } from '../decision.ts';
import { PRINTED_PLAN } from '../dry-run.ts';
import type { Finding } from '../findings.ts';

interface SarifResult {
  readonly ruleId: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: { readonly text: string };
  readonly locations?: readonly {
    readonly physicalLocation: Place;
  }[];
  readonly partialFingerprints: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

/** A SARIF log with one run. */
export interface SarifLog {
  readonly $schema: string;
  readonly version: '2.1.0';
  readonly runs: readonly {
    readonly tool: {
      readonly driver: {
        readonly name: string;
        readonly informationUri: string;
        readonly rules: readonly { readonly id: string }[];
      };
    };
    readonly columnKind: 'unicodeCodePoints';
    readonly results: readonly SarifResult[];
    readonly properties: Readonly<Record<string, string>>;
  }[];
}

const LEVELS: Readonly<Record<Finding['level'], SarifResult['level']>> = {
  danger: 'error',
  advice: 'warning',
  note: 'note',
};

/** A path as a URI reference: what has a meaning there is escaped, the slashes stay. */
function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

interface Place {
  readonly artifactLocation: { readonly uri: string };
  readonly region?: { readonly startLine: number };
}

/**
 * A printed plan's files are in an artifact, not in the repository: what they do stands at the
 * migration in code that they were printed for, the first one where there are several.
 */
function placeOf({ path, line }: Finding, inCode: string | null): Place | null {
  const isPrinted = path?.startsWith(`${PRINTED_PLAN}/`) === true;
  const shown = isPrinted ? inCode : path;
  if (shown === null) return null;
  const region = line === null || isPrinted ? {} : { region: { startLine: line } };
  return { artifactLocation: { uri: uriOf(shown) }, ...region };
}

/** The first file that the change adds or changes as a migration in code. */
function firstInCode(findings: readonly Finding[]): string | null {
  const own = findings.filter(({ id, path }) => id === 'migration-changed' && path !== null);
  return own.map(({ path }) => path ?? '').toSorted()[0] ?? null;
}

function resultOf(finding: Finding, inCode: string | null): SarifResult {
  const { id, level, message, object, radius, evidence } = finding;
  const place = placeOf(finding, inCode);
  return {
    ruleId: id,
    level: LEVELS[level],
    message: { text: message },
    ...(place === null ? {} : { locations: [{ physicalLocation: place }] }),
    partialFingerprints: { 'tagout/v1': `${id}:${object}` },
    properties: { object, blastRadius: radius, evidence },
  };
}

/** Every finding with its place; the verdict and the radius of the whole are the run's properties. */
export function reportSarif(decision: Decision): SarifLog {
  const inCode = firstInCode(decision.findings);
  const ids = [...new Set(decision.findings.map(({ id }) => id))].toSorted();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Tagout',
            informationUri: 'https://github.com/tagout/tagout',
            rules: ids.map((id) => ({ id })),
          },
        },
        columnKind: 'unicodeCodePoints',
        results: decision.findings.map((finding) => resultOf(finding, inCode)),
        properties: {
          verdict: decision.verdict,
          blastRadius: decision.radius,
          evidenceDigest: decision.evidenceDigest,
        },
      },
    ],
  };
}
