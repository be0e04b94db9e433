/**
 * The rows of the event table about people and about what holds production around the gate. GitHub
 * has no event for environments and their rules, nor for a change of role within an organisation:
 * those are seen by the hourly reading, by pushes, and by the look before each release.
 */
import { z } from 'zod';
import type { Locator, WideLocator } from '../core/subject.ts';
import { installationRow, type Row, repositoryOf, row } from './event-row.ts';

const personSchema = z.object({ id: z.int().positive() }).nullish();

/** A person came into a team or left it: their approvals may count otherwise now. */
const membership: Row = installationRow({ member: personSchema }, (installationId, { member }) => [
  { kind: 'approvals', installationId, personId: member?.id ?? null },
]);

/** A person came into the organisation or left it, and with that every team of it. */
const organizationMember: Row = installationRow(
  { membership: z.object({ user: personSchema }) },
  (installationId, { membership: { user } }) => [
    { kind: 'approvals', installationId, personId: user?.id ?? null },
  ],
);

/** A team was changed as a whole; nobody is told who was in it. */
const team: Row = installationRow({}, (installationId) => [
  { kind: 'approvals', installationId, personId: null },
]);

function posture(installationId: number, repo: WideLocatorRepo): WideLocator {
  return { kind: 'posture', installationId, repo };
}
type WideLocatorRepo = Extract<WideLocator, { kind: 'posture' }>['repo'];

/** Rules of branches; those of an organisation come without a repository and may hold in each. */
const rules: Row = (payload, self) =>
  installationRow({}, (installationId) => [posture(installationId, repositoryOf(payload))])(
    payload,
    self,
  );

const wholeInstallation: Row = installationRow({}, (installationId) => [
  posture(installationId, null),
]);

/** Another default branch has other rules and another policy. */
const repositoryEdited: Row = row(
  { changes: z.object({ default_branch: z.unknown().optional() }).optional() },
  (repo, { changes }) =>
    changes?.default_branch === undefined ? [] : [{ kind: 'repository', repo }],
);

const givenSchema = z.array(
  z.object({
    id: z.int().positive(),
    name: z.string(),
    full_name: z.string().regex(/^[^/]+\/[^/]+$/),
  }),
);

/** Repositories that the app was just given: everything that is open there is judged. */
const given: Row = installationRow(
  { repositories: givenSchema.optional(), repositories_added: givenSchema.optional() },
  (installationId, { repositories = [], repositories_added: added = [] }) => [
    ...[...repositories, ...added].map(({ id, name, full_name }): Locator => {
      const owner = full_name.slice(0, full_name.indexOf('/'));
      return { kind: 'repository', repo: { installationId, id, owner, name } };
    }),
    posture(installationId, null),
  ],
);

/** Rows by event and action. */
export const AROUND: Readonly<Record<string, Row>> = {
  'membership.added': membership,
  'membership.removed': membership,
  'organization.member_added': organizationMember,
  'organization.member_removed': organizationMember,
  'team.added_to_repository': team,
  'team.deleted': team,
  'team.edited': team,
  'team.removed_from_repository': team,
  'branch_protection_configuration.disabled': rules,
  'branch_protection_configuration.enabled': rules,
  'branch_protection_rule.created': rules,
  'branch_protection_rule.deleted': rules,
  'branch_protection_rule.edited': rules,
  'repository_ruleset.created': rules,
  'repository_ruleset.deleted': rules,
  'repository_ruleset.edited': rules,
  'repository.archived': rules,
  'repository.deleted': wholeInstallation,
  'repository.edited': repositoryEdited,
  'repository.privatized': rules,
  'repository.publicized': rules,
  'repository.renamed': rules,
  'repository.transferred': wholeInstallation,
  'installation.created': given,
  'installation.deleted': wholeInstallation,
  'installation.new_permissions_accepted': wholeInstallation,
  'installation.suspend': wholeInstallation,
  'installation.unsuspend': given,
  'installation_repositories.added': given,
  'installation_repositories.removed': wholeInstallation,
};
