/**
 * Reads the posture of repositories: GraphQL for many at once, then a few GETs for each, at most
 * six requests per repository unless it is asked for alone. GET and queries only.
 */
import { z } from 'zod';
import { effectivePolicy } from '../core/effective-policy.ts';
import { environmentRule } from '../core/environments.ts';
import type { PolicyFile } from '../core/evidence.ts';
import { TagoutError } from '../core/errors.ts';
import { defaultPolicy } from '../core/policy-default.ts';
import type { EffectivePolicy } from '../core/policy.ts';
import type { EnvironmentFacts, RepositoryPosture, RequiredCheck, Seen } from '../core/posture.ts';
import { getPages, type ReadClient } from './clients.ts';
import { isRefusal } from './faults.ts';
import { seen, type CoveredRepository } from './posture.ts';
import { readOverview, type Overview, withTold } from './posture-overview.ts';
import { parseAnswer } from './reading.ts';

/** What is asked of each repository. */
export interface RepositoryWish {
  readonly appId: number;
  readonly checkName: string;
  /** Requests for one repository beside its share of a batch; null: as many as it needs. */
  readonly budget: number | null;
  /** The client of somebody who may edit rulesets: GitHub tells only them who may bypass one. */
  readonly editor?: ReadClient | null;
}

/** Repositories that share one GraphQL query and are then read at one time. */
const BATCH = 10;
const environmentsSchema = z.object({
  environments: z
    .array(
      z.object({
        id: z.int(),
        name: z.string(),
        can_admins_bypass: z.boolean().nullish(),
        deployment_branch_policy: z.object({ protected_branches: z.boolean() }).nullish(),
      }),
    )
    .default([]),
});

const rulesSchema = z.object({
  custom_deployment_protection_rules: z
    .array(z.object({ enabled: z.boolean(), app: z.object({ id: z.int() }) }))
    .default([]),
});

const branchRuleSchema = z.object({
  type: z.string(),
  ruleset_id: z.int().nullish(),
  parameters: z
    .object({
      required_status_checks: z
        .array(z.object({ context: z.string(), integration_id: z.int().nullish() }))
        .default([]),
    })
    .optional()
    .catch(undefined),
});

const protectionSchema = z.object({
  enforce_admins: z.object({ enabled: z.boolean() }).optional(),
  required_status_checks: z
    .object({
      contexts: z.array(z.string()).default([]),
      checks: z.array(z.object({ context: z.string(), app_id: z.int().nullish() })).default([]),
    })
    .nullish(),
});

interface At {
  readonly client: ReadClient;
  readonly repo: { readonly owner: string; readonly name: string };
}

interface Place extends At {
  readonly repo: CoveredRepository;
  readonly wish: RepositoryWish;
  spent: number;
}

function params(place: At): { owner: string; repo: string } {
  return { owner: place.repo.owner, repo: place.repo.name };
}

/** Reads many repositories of one installation, in the order in which they were given. */
export async function readRepositories(
  client: ReadClient,
  repos: readonly CoveredRepository[],
  wish: RepositoryWish,
): Promise<readonly RepositoryPosture[]> {
  const floors = new Map<string, PolicyFile | null>();
  const done: RepositoryPosture[] = [];
  for (let at = 0; at < repos.length; at += BATCH) {
    const batch = repos.slice(at, at + BATCH);
    const overviews = await readOverview(client, batch, floors);
    const told = await toldTo(wish.editor ?? null, batch);
    const read = batch.map((repo, index) => {
      const own = overviews[index] ?? { seen: false, why: 'GitHub left it out.' };
      const overview = withEditor(own, told[index]);
      const floor = floors.get(repo.owner.toLowerCase()) ?? null;
      return readOne({ client, repo, wish, spent: 0 }, overview, floor);
    });
    done.push(...(await Promise.all(read)));
  }
  return done;
}

/** The same of the same repositories, as another reader is told it; nothing without one. */
async function toldTo(
  editor: ReadClient | null,
  batch: readonly CoveredRepository[],
): Promise<readonly Seen<Overview>[]> {
  return editor === null ? [] : readOverview(editor, batch, new Map());
}

function withEditor(own: Seen<Overview>, told: Seen<Overview> | undefined): Seen<Overview> {
  if (!own.seen || told?.seen !== true) return own;
  const rulesets = withTold(own.value.rulesets, told.value.rulesets);
  return { seen: true, value: { ...own.value, rulesets } };
}

async function readOne(
  place: Place,
  overview: Seen<Overview>,
  floor: PolicyFile | null,
): Promise<RepositoryPosture> {
  const { repo } = place;
  const facts = {
    fullName: `${repo.owner}/${repo.name}`,
    webUrl: repo.webUrl,
    private: repo.private,
    archived: repo.archived,
  };
  if (!overview.seen) return { ...facts, defaultBranch: '', ...blind(overview.why) };
  const { defaultBranch, rulesets, workflows } = overview.value;
  const policy = policyOf(overview.value, floor);
  const rest = { defaultBranch, policy, rulesets, workflows };
  if (repo.archived || defaultBranch === null) {
    const none = { seen: true, value: [] } as const;
    return { ...facts, ...rest, environments: none, checks: none };
  }
  const checks = await seen(readChecks(place, defaultBranch));
  const environments = await seen(readEnvironments(place, policy));
  return { ...facts, ...rest, checks, environments };
}

function blind(why: string) {
  const no = { seen: false, why } as const;
  return { policy: no, environments: no, checks: no, rulesets: no, workflows: no };
}

function policyOf(overview: Overview, floor: PolicyFile | null): Seen<EffectivePolicy> {
  const { policyFile } = overview;
  if (!policyFile.seen) return policyFile;
  return {
    seen: true,
    value: effectivePolicy({ repository: policyFile.value, base: null, floor }),
  };
}

async function readEnvironments(
  place: Place,
  policy: Seen<EffectivePolicy>,
): Promise<readonly EnvironmentFacts[]> {
  const spoken = policy.seen ? policy.value.policy : defaultPolicy;
  place.spent += 1;
  const rows = (data: unknown) =>
    parseAnswer(environmentsSchema, data, 'the environments').environments;
  const path = '/repos/{owner}/{repo}/environments';
  const pages = place.wish.budget === null ? 20 : 1;
  const list = await getPages(place.client, path, { parameters: params(place), rows, pages });
  if (!list.complete) {
    const name = `${place.repo.owner}/${place.repo.name}`;
    throw new TagoutError(
      'bad-input',
      `there are more than ${list.rows.length} of them; look with --repo ${name}`,
    );
  }
  const found: EnvironmentFacts[] = [];
  for (const one of list.rows) {
    const guarded = environmentRule(spoken, one.name) !== null;
    found.push({
      id: one.id,
      name: one.name,
      adminsMayBypass: one.can_admins_bypass ?? null,
      ...branchesOf(one.deployment_branch_policy),
      // One after the other: what the budget still allows is known only then.
      ourRule: guarded ? await readOurRule(place, one.name) : null,
    });
  }
  return found;
}

/** GitHub writes null where every branch may deploy. */
function branchesOf(
  policy: { readonly protected_branches: boolean } | null | undefined,
): Pick<EnvironmentFacts, 'branches'> {
  if (policy === undefined) return {};
  if (policy === null) return { branches: 'all' };
  return { branches: policy.protected_branches ? 'protected' : 'selected' };
}

async function readOurRule(place: Place, name: string): Promise<Seen<boolean>> {
  const { budget, appId } = place.wish;
  if (budget !== null && place.spent >= budget) {
    const repo = `${place.repo.owner}/${place.repo.name}`;
    return { seen: false, why: `it has many guarded environments; look with --repo ${repo}.` };
  }
  place.spent += 1;
  const path = '/repos/{owner}/{repo}/environments/{environment_name}/deployment_protection_rules';
  const asked = place.client.get(path, { ...params(place), environment_name: name });
  return seen(
    asked.then((answer) => {
      const { custom_deployment_protection_rules: rules } = parseAnswer(
        rulesSchema,
        answer.data,
        'the protection rules of an environment',
      );
      return rules.some(({ enabled, app }) => enabled && app.id === appId);
    }),
  );
}

/** Rulesets first; classic protection is only asked when they do not pin our check already. */
async function readChecks(place: Place, branch: string): Promise<readonly RequiredCheck[]> {
  const { appId, checkName } = place.wish;
  place.spent += 1;
  const ruled = await readBranchRules(place, branch);
  const pinned = ruled.some((one) => one.context === checkName && one.appId === appId);
  if (pinned) return ruled;
  place.spent += 1;
  return [...ruled, ...(await readProtection(place, branch))];
}

/** Names of the checks that a branch requires, by rulesets and classic protection. */
export async function requiredChecks(
  client: ReadClient,
  repo: { readonly owner: string; readonly name: string },
  branch: string,
): Promise<readonly RequiredCheck[]> {
  const at: At = { client, repo };
  return [...(await readBranchRules(at, branch)), ...(await readProtection(at, branch))];
}

async function readBranchRules(place: At, branch: string): Promise<readonly RequiredCheck[]> {
  const rows = (data: unknown) =>
    parseAnswer(z.array(branchRuleSchema), data, 'the rules of the default branch');
  const path = '/repos/{owner}/{repo}/rules/branches/{branch}';
  const parameters = { ...params(place), branch };
  const list = await getPages(place.client, path, { parameters, rows, pages: 1 });
  return list.rows.flatMap((rule) => {
    if (rule.type !== 'required_status_checks') return [];
    return (rule.parameters?.required_status_checks ?? []).map((check) => ({
      context: check.context,
      appId: ownedBy(check.integration_id),
      by: 'ruleset' as const,
      rulesetId: rule.ruleset_id ?? null,
      adminsExempt: false,
    }));
  });
}

/** GitHub writes -1 for "any source" in some answers, and nothing in others. */
function ownedBy(id: number | null | undefined): number | null {
  return id === undefined || id === null || id <= 0 ? null : id;
}

async function readProtection(place: At, branch: string): Promise<readonly RequiredCheck[]> {
  const path = '/repos/{owner}/{repo}/branches/{branch}/protection';
  const asked = place.client.get(path, { ...params(place), branch });
  const answer = await asked.catch((fault: unknown) => {
    // GitHub's answer for a branch without classic protection; also for plans without it.
    if (isRefusal(fault, 404) || (isRefusal(fault, 403) && /upgrade/i.test(fault.message))) {
      return null;
    }
    throw fault;
  });
  if (answer === null) return [];
  const found = parseAnswer(protectionSchema, answer.data, 'the protection of the default branch');
  const adminsExempt = found.enforce_admins?.enabled !== true;
  const { checks = [], contexts = [] } = found.required_status_checks ?? {};
  const told = new Set(checks.map(({ context }) => context));
  const plain = contexts.filter((context) => !told.has(context));
  const row = (context: string, id: number | null | undefined): RequiredCheck => ({
    context,
    appId: ownedBy(id),
    by: 'protection',
    rulesetId: null,
    adminsExempt,
  });
  return [
    ...checks.map((one) => row(one.context, one.app_id)),
    ...plain.map((one) => row(one, null)),
  ];
}
