/** The findings of a decision as SARIF 2.1.0, for code scanning and editors. */
import type { Decision } from '../decision.ts';
import { PRINTED_PLAN } from '../dry-run.ts';
import type { Finding } from '../findings.ts';

interface SarifResult {
  readonly ruleId: string;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: { readonly text: string };
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string };
      readonly region?: { readonly startLine: number };
    };
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

const isPrinted = (path: string): boolean => path.startsWith(`${PRINTED_PLAN}/`);

/**
 * Where what has no place of its own stands: the change's first migration in code, else its first
 * file that was found, else the policy's. GitHub's code scanning refuses a whole log for one result
 * without a location, so none is left without; `whole change` in its properties says so.
 */
function anchorOf(findings: readonly Finding[]): string {
  const placed = findings.flatMap(({ id, path }) =>
    path === null || isPrinted(path) ? [] : [{ path, inCode: id === 'migration-changed' }],
  );
  const [first] = placed.toSorted(
    (a, b) => Number(b.inCode) - Number(a.inCode) || (a.path < b.path ? -1 : 1),
  );
  return first?.path ?? '.github/tagout.yml';
}

function resultOf(finding: Finding, anchor: string): SarifResult {
  const { id, level, message, object, radius, evidence, path, line } = finding;
  // A printed plan's files are in an artifact, not in the repository.
  const own = path === null || isPrinted(path) ? null : path;
  const region = own === null || line === null ? {} : { region: { startLine: line } };
  const physicalLocation = { artifactLocation: { uri: uriOf(own ?? anchor) }, ...region };
  const about = own === null ? { place: 'whole change' } : {};
  return {
    ruleId: id,
    level: LEVELS[level],
    message: { text: message },
    locations: [{ physicalLocation }],
    partialFingerprints: { 'tagout/v1': `${id}:${object}` },
    properties: { object, blastRadius: radius, evidence, ...about },
  };
}

/** Every finding with its place; the verdict and the radius of the whole are the run's properties. */
export function reportSarif(decision: Decision): SarifLog {
  const anchor = anchorOf(decision.findings);
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
        results: decision.findings.map((finding) => resultOf(finding, anchor)),
        properties: {
          verdict: decision.verdict,
          blastRadius: decision.radius,
          evidenceDigest: decision.evidenceDigest,
        },
      },
    ],
  };
}
