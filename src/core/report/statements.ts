/** One in-toto statement (v1) per released deployment, with a simple verification result. */
import { dryRunOf, type Settled } from './row.ts';

const INDEPENDENT = [
  'no-approval',
  'self-approval',
  'not-independent',
  'approver-is-committer',
  'approver-is-bot',
  'approver-without-role',
];

function propertiesOf(row: Settled, types: readonly string[], origin: string): readonly string[] {
  const human = row.approvers.length > 0;
  const found: readonly (readonly [string, boolean])[] = [
    ['TAGOUT_HUMAN_APPROVED', human],
    ['TAGOUT_INDEPENDENT_APPROVER', human && !INDEPENDENT.some((name) => types.includes(name))],
    ['TAGOUT_APPROVED_SHA_MATCHES', human && !types.includes('approved-other-commit')],
    ['TAGOUT_DRY_RUN_PASSED', dryRunOf(row) === 'ok'],
    [`TAGOUT_LOGGED:${origin}#${row.leafIndex}`, true],
  ];
  return found.flatMap(([name, holds]) => (holds ? [name] : []));
}

/** The statement of a released deployment. */
export function statementOf(row: Settled, types: readonly string[], about: Origin): unknown {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${row.repo}@${row.environment}`, digest: { gitCommit: row.sha } }],
    predicateType: 'https://in-toto.io/attestation/svr/v0.2',
    predicate: {
      verifier: {
        id: `https://github.com/apps/tagout@${about.version}`,
        policies: [{ digest: { sha256: row.policySha256 } }],
      },
      timeCreated: new Date(row.releasedAtMs ?? row.decidedAtMs).toISOString(),
      properties: propertiesOf(row, types, about.origin),
    },
  };
}

interface Origin {
  readonly origin: string;
  readonly version: string;
}
