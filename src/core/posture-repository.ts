/** Posture of one repository: its environments, its default branch, and its workflow files. */
import { CHECK_NAME } from './effects.ts';
import { environmentRule, lookAlike } from './environments.ts';
import type { Policy } from './policy.ts';
import { ghApi, inPath, mayLackRules, quoted } from './posture.ts';
import type {
  EnvironmentFacts,
  Mend,
  OwnApp,
  PostureFinding,
  RepositoryPosture,
} from './posture.ts';
import { judgeChecks } from './posture-checks.ts';
import { MERGE_GATE_ONLY, MERGE_GATE_ONLY_ID } from './words/merge-gate.ts';
import { judgeWorkflows, namedEnvironments } from './posture-secrets.ts';
import { environmentKey } from './subject.ts';
import { line, list } from './words/text.ts';

function environmentPage(repo: RepositoryPosture, one: EnvironmentFacts): string {
  return `${repo.webUrl}/settings/environments/${one.id}/edit`;
}

function enable(repo: RepositoryPosture, one: EnvironmentFacts, app: OwnApp): Mend {
  const path = `repos/${repo.fullName}/environments/${inPath(one.name)}/deployment_protection_rules`;
  const command = `${ghApi(repo)} -X POST ${quoted(path)} -F integration_id=${app.appId}`;
  return { place: environmentPage(repo, one), command };
}

const NEEDS_ENTERPRISE =
  ' This repository is private: GitHub gives protection rules to private repositories with ' +
  'GitHub Enterprise only.';

/** A guarded environment: our rule must be enabled, and administrators must not pass it. */
function guardedEnvironment(
  repo: RepositoryPosture,
  one: EnvironmentFacts,
  app: OwnApp,
): readonly PostureFinding[] {
  const about = `${repo.fullName} environment ${line(one.name, 100)}`;
  const rule = one.ourRule ?? { seen: false, why: 'it was not asked for.' };
  if (!rule.seen) {
    const says = `Whether the rule of ${app.slug} is enabled could not be read: ${rule.why}`;
    const mend = { place: environmentPage(repo, one), command: null };
    return [{ id: 'environment-unseen', level: 'unknown', about, says, mend }];
  }
  if (!rule.value) {
    const says =
      `The rule of ${app.slug} is not enabled: every deployment goes through without being ` +
      `judged.${mayLackRules(repo) ? NEEDS_ENTERPRISE : ''}`;
    const mend = enable(repo, one, app);
    return [{ id: 'environment-without-rule', level: 'open', about, says, mend }];
  }
  const standing: PostureFinding = {
    id: 'environment',
    level: 'guarded',
    about,
    says: `The rule of ${app.slug} is enabled.`,
    mend: null,
    which: `branches: ${one.branches ?? 'not told'}`,
  };
  return one.adminsMayBypass === false ? [standing] : [standing, bypass(repo, one, about)];
}

function bypass(repo: RepositoryPosture, one: EnvironmentFacts, about: string): PostureFinding {
  // The API has no field to change it, as of its description of 2026.
  const mend = { place: environmentPage(repo, one), command: null };
  if (one.adminsMayBypass === null) {
    const says = 'GitHub did not say whether administrators may bypass the rule: look there.';
    return { id: 'environment-bypass-unseen', level: 'unknown', about, says, mend };
  }
  const says =
    'Administrators may start waiting jobs past the rule: clear "Allow administrators to bypass ' +
    'configured protection rules".';
  return { id: 'environment-bypass', level: 'open', about, says, mend };
}

/** An environment that no rule of the policy speaks for, but that looks like a guarded one. */
function alike(
  repo: RepositoryPosture,
  one: EnvironmentFacts,
  policy: Policy,
): readonly PostureFinding[] {
  const meant = lookAlike(policy, one.name);
  if (meant === null || environmentRule(policy, one.name) !== null) return [];
  const says =
    `Its name looks like ${line(meant, 60)}, which the policy guards, and is not it: a workflow ` +
    'can deploy there without being judged. Delete it, or name it in the policy.';
  const about = `${repo.fullName} environment ${line(one.name, 100)}`;
  const mend = { place: environmentPage(repo, one), command: null };
  return [{ id: 'environment-look-alike', level: 'open', about, says, mend }];
}

/** Environments that workflows name and that are not there: the first run makes them, unguarded. */
function unmade(
  repo: RepositoryPosture,
  there: readonly EnvironmentFacts[],
  policy: Policy,
): readonly PostureFinding[] {
  const known = new Set(there.map(({ name }) => environmentKey(name)));
  const names = namedEnvironments(repo).filter(
    (name) =>
      !known.has(environmentKey(name)) &&
      (environmentRule(policy, name) !== null || lookAlike(policy, name) !== null),
  );
  return names.map((name) => ({
    id: 'environment-not-made',
    level: 'open',
    about: `${repo.fullName} environment ${line(name, 100)}`,
    says:
      'A workflow names it, and it is not there yet: its first run makes it without any rule and ' +
      'deploys. Make it now and enable the rule.',
    mend: {
      place: `${repo.webUrl}/settings/environments/new`,
      command: `${ghApi(repo)} -X PUT ${quoted(`repos/${repo.fullName}/environments/${inPath(name)}`)}`,
    },
  }));
}

function nothingGuarded(repo: RepositoryPosture, policy: Policy): PostureFinding {
  const patterns = Object.values(policy.environments).flatMap(({ match }) => match);
  const says =
    `No environment is one that the policy speaks for (${line(list(patterns), 200)}): here only ` +
    'the merge is held. If the repository deploys, let its jobs name such an environment, or name ' +
    'the environment in the policy.';
  const mend = { place: `${repo.webUrl}/settings/environments`, command: null };
  return { id: 'no-environment', level: 'advice', about: repo.fullName, says, mend };
}

function judgeEnvironments(
  repo: RepositoryPosture,
  policy: Policy,
  app: OwnApp,
): readonly PostureFinding[] {
  const { environments } = repo;
  if (!environments.seen) {
    const says = `Its environments could not be read: ${environments.why}`;
    const mend = { place: `${repo.webUrl}/settings/environments`, command: null };
    return [{ id: 'environments-unseen', level: 'unknown', about: repo.fullName, says, mend }];
  }
  const all = environments.value;
  const guarded = all.filter(({ name }) => environmentRule(policy, name) !== null);
  const found = [
    ...guarded.flatMap((one) => guardedEnvironment(repo, one, app)),
    ...all.flatMap((one) => alike(repo, one, policy)),
    ...unmade(repo, all, policy),
  ];
  return found.length > 0 ? found : [nothingGuarded(repo, policy)];
}

function judgePolicy(repo: RepositoryPosture): readonly PostureFinding[] {
  const { policy } = repo;
  const about = `${repo.fullName} policy`;
  const place = `${repo.webUrl}/blob/HEAD/.github/tagout.yml`;
  const mend = { place, command: 'npx tagout policy validate' };
  if (!policy.seen) {
    const says = `The policy could not be read: ${policy.why} The built-in default is shown.`;
    return [{ id: 'policy-unseen', level: 'unknown', about, says, mend }];
  }
  const { problems } = policy.value;
  if (problems.length === 0) return [];
  const says =
    `The policy cannot speak, so that everything holds: ` +
    line(problems.map(({ message }) => message).join(' '), 400);
  return [{ id: 'policy-broken', level: 'advice', about, says, mend }];
}

/**
 * Where the plan may have no protection rules and none of ours stands, only the merge is held, and
 * whoever relies on Tagout must know it.
 */
function mergeGateOnly(repo: RepositoryPosture, policy: Policy): readonly PostureFinding[] {
  if (!mayLackRules(repo) || !repo.environments.seen) return [];
  const guarded = repo.environments.value.filter(
    ({ name }) => environmentRule(policy, name) !== null,
  );
  const isHeld = guarded.some(({ ourRule }) => ourRule?.seen === true && ourRule.value);
  if (isHeld || guarded.length === 0) return [];
  const mend = { place: `${repo.webUrl}/settings/environments`, command: null };
  const says = `Merge gate only. ${MERGE_GATE_ONLY}`;
  return [{ id: MERGE_GATE_ONLY_ID, level: 'open', about: repo.fullName, says, mend }];
}

/** Findings about one repository. `fallback` stands in for a policy that could not be read. */
export function judgeRepository(
  repo: RepositoryPosture,
  app: OwnApp,
  fallback: Policy,
): readonly PostureFinding[] {
  if (repo.archived || repo.defaultBranch === null) {
    const what = repo.archived ? 'archived' : 'empty';
    const says = `The repository is ${what}: no workflow runs in it.`;
    return [{ id: `repository-${what}`, level: 'guarded', about: repo.fullName, says, mend: null }];
  }
  const policy = repo.policy.seen ? repo.policy.value.policy : fallback;
  return [
    ...judgeEnvironments(repo, policy, app),
    ...mergeGateOnly(repo, policy),
    ...judgeChecks(repo, app, CHECK_NAME),
    ...judgeWorkflows(repo, policy),
    ...judgePolicy(repo),
  ];
}
