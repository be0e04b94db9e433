/** What one GraphQL query tells of several repositories: policy, workflow files and rulesets. */
import { z } from 'zod';
import type { PolicyFile } from '../core/evidence.ts';
import type { RulesetFacts, Seen, WorkflowText } from '../core/posture.ts';
import type { GraphqlAnswer, ReadClient } from './clients.ts';
import { POLICY_EXPRESSION, POLICY_PATH } from './policy-files.ts';
import { seen, type CoveredRepository } from './posture.ts';
import { parseAnswer } from './reading.ts';

export interface Overview {
  /** Null: the repository is empty. */
  readonly defaultBranch: string | null;
  readonly policyFile: Seen<PolicyFile>;
  readonly workflows: Seen<readonly WorkflowText[]>;
  readonly rulesets: Seen<readonly RulesetFacts[]>;
}

const WORKFLOWS = '.github/workflows';

const FRAGMENTS = `
fragment policyText on Repository {
  defaultBranchRef { name target { oid } }
  policyFile: object(expression: "${POLICY_EXPRESSION}") {
    ... on Blob { oid text isTruncated }
  }
}
fragment overview on Repository {
  ...policyText
  workflows: object(expression: "HEAD:${WORKFLOWS}") {
    ... on Tree {
      entries { name type object { ... on Blob { text isTruncated } } }
    }
  }
  rulesets(first: 50, includeParents: true) {
    nodes {
      databaseId
      name
      bypassActors(first: 50) {
        totalCount
        nodes {
          actor { __typename ... on App { slug } ... on Team { slug } }
          bypassMode
          deployKey
          enterpriseOwner
          organizationAdmin
          repositoryRoleName
        }
      }
    }
  }
}`;

const blobSchema = z.object({ text: z.string().nullable(), isTruncated: z.boolean() }).partial();

const policySchema = z.object({
  defaultBranchRef: z
    .object({ name: z.string(), target: z.object({ oid: z.string() }).nullish() })
    .nullish(),
  policyFile: blobSchema.extend({ oid: z.string().optional() }).nullish(),
});

const bypassSchema = z.object({
  actor: z.object({ __typename: z.string(), slug: z.string().optional() }).nullish(),
  bypassMode: z.string().nullish(),
  deployKey: z.boolean().nullish(),
  enterpriseOwner: z.boolean().nullish(),
  organizationAdmin: z.boolean().nullish(),
  repositoryRoleName: z.string().nullish(),
});

type BypassActor = z.infer<typeof bypassSchema> & { readonly bypassMode: string };

const overviewSchema = policySchema.extend({
  workflows: z
    .object({
      entries: z
        .array(z.object({ name: z.string(), type: z.string(), object: blobSchema.nullish() }))
        .nullish(),
    })
    .nullish(),
  rulesets: z
    .object({
      nodes: z.array(
        z
          .object({
            databaseId: z.int().nullish(),
            name: z.string(),
            bypassActors: z
              .object({ totalCount: z.int(), nodes: z.array(bypassSchema.nullable()) })
              .nullish()
              .catch(null),
          })
          .nullable(),
      ),
    })
    .nullish(),
});

type PolicyText = z.infer<typeof policySchema>;
type OverviewText = z.infer<typeof overviewSchema>;

const answerSchema = z.record(z.string(), z.unknown());

/**
 * One query for up to ten repositories; the floor of an owner comes with the first query that asks
 * for one of its repositories, and is put into `floors`.
 */
export async function readOverview(
  client: ReadClient,
  repos: readonly CoveredRepository[],
  floors: Map<string, PolicyFile | null>,
): Promise<readonly Seen<Overview>[]> {
  const owners = [...new Set(repos.map(({ owner }) => owner))].filter(
    (owner) => !floors.has(owner.toLowerCase()),
  );
  const asked = await seen(client.query(documentOf(repos, owners), variablesOf(repos, owners)));
  if (!asked.seen) return repos.map(() => asked);
  const answer = asked.value;
  const data = answerSchema.safeParse(answer.data).data ?? {};
  owners.forEach((owner, index) => {
    floors.set(owner.toLowerCase(), floorOf(`${owner}/.github`, `f${index}`, { answer, data }));
  });
  return Promise.all(repos.map((repo, index) => overviewOf(repo, `r${index}`, { answer, data })));
}

function documentOf(repos: readonly CoveredRepository[], owners: readonly string[]): string {
  const variables = [
    ...repos.flatMap((_, at) => [`$o${at}: String!`, `$n${at}: String!`]),
    ...owners.map((_, at) => `$f${at}: String!`),
  ];
  const fields = [
    ...repos.map((_, at) => `r${at}: repository(owner: $o${at}, name: $n${at}) { ...overview }`),
    ...owners.map(
      (_, at) => `f${at}: repository(owner: $f${at}, name: ".github") { ...policyText }`,
    ),
  ];
  return `query posture(${variables.join(', ')}) {\n${fields.join('\n')}\n}${FRAGMENTS}`;
}

function variablesOf(
  repos: readonly CoveredRepository[],
  owners: readonly string[],
): Record<string, string> {
  return Object.fromEntries([
    ...repos.flatMap(({ owner, name }, at) => [
      [`o${at}`, owner],
      [`n${at}`, name],
    ]),
    ...owners.map((owner, at) => [`f${at}`, owner]),
  ]);
}

interface Told {
  readonly answer: GraphqlAnswer;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * The organisation's floor; null when there is none, or the app may not read it, which GitHub tells
 * alike. One that failed otherwise stands as a file that cannot be parsed.
 */
function floorOf(repo: string, alias: string, { answer, data }: Told): PolicyFile | null {
  const failed = answer.errors.find(({ path, type }) => path[0] === alias && type !== 'NOT_FOUND');
  const found = policySchema.nullish().safeParse(data[alias]);
  if (failed !== undefined || !found.success) {
    return { repo, path: POLICY_PATH, commitSha: null, blob: null, text: '\0' };
  }
  return found.data === null || found.data === undefined ? null : fileOf(repo, found.data);
}

async function overviewOf(
  repo: CoveredRepository,
  alias: string,
  { answer, data }: Told,
): Promise<Seen<Overview>> {
  const errors = answer.errors.filter(({ path }) => path[0] === alias);
  const found = data[alias];
  if (found === null || found === undefined) {
    const why = errors[0]?.message ?? answer.errors[0]?.message ?? 'GitHub left it out';
    return { seen: false, why: `${why}.` };
  }
  const text = await seen(
    (async () => parseAnswer(overviewSchema, found, `${repo.owner}/${repo.name}`))(),
  );
  if (!text.seen) return text;
  const failed = (field: string): { seen: false; why: string } | null => {
    const error = errors.find(({ path }) => path[1] === field);
    return error === undefined ? null : { seen: false, why: `${error.message}.` };
  };
  const value: Overview = {
    defaultBranch: text.value.defaultBranchRef?.name ?? null,
    policyFile: failed('policyFile') ?? {
      seen: true,
      value: fileOf(`${repo.owner}/${repo.name}`, text.value),
    },
    workflows: failed('workflows') ?? { seen: true, value: workflowsOf(text.value) },
    rulesets: failed('rulesets') ?? { seen: true, value: rulesetsOf(text.value) },
  };
  return { seen: true, value };
}

function fileOf(repo: string, found: PolicyText): PolicyFile {
  const commitSha = found.defaultBranchRef?.target?.oid ?? null;
  const file = { repo, path: POLICY_PATH, commitSha };
  const blob = found.policyFile;
  if (blob === null || blob === undefined) return { ...file, blob: null, text: null };
  const whole = typeof blob.text === 'string' && blob.isTruncated !== true;
  // A NUL cannot stand in YAML: what has no whole text is refused as unparsable.
  return { ...file, blob: blob.oid ?? null, text: whole ? (blob.text ?? '\0') : '\0' };
}

function workflowsOf(found: OverviewText): readonly WorkflowText[] {
  const entries = found.workflows?.entries ?? [];
  return entries
    .filter(({ name, type }) => type === 'blob' && /\.ya?ml$/.test(name))
    .map(({ name, object }) => {
      const whole = object?.isTruncated !== true;
      return { path: `${WORKFLOWS}/${name}`, text: whole ? (object?.text ?? null) : null };
    });
}

function rulesetsOf(found: OverviewText): readonly RulesetFacts[] {
  return (found.rulesets?.nodes ?? []).flatMap((one) => {
    const id = one?.databaseId;
    if (one === null || id === null || id === undefined) return [];
    const { totalCount, nodes = [] } = one.bypassActors ?? {};
    const named = nodes.filter(
      (actor): actor is BypassActor => typeof actor?.bypassMode === 'string',
    );
    // One that is left out, or whose way is not told, may be exempt: a list in part is no list.
    const bypass = named.length === totalCount ? named.map(bypassOf) : null;
    return [{ id, name: one.name, bypass }];
  });
}

/** Rulesets as the app was told them, with what somebody who may edit them is told beyond that. */
export function withTold(
  own: Seen<readonly RulesetFacts[]>,
  told: Seen<readonly RulesetFacts[]>,
): Seen<readonly RulesetFacts[]> {
  if (!own.seen || !told.seen) return own.seen ? own : told;
  const theirs = new Map(told.value.map((one) => [one.id, one]));
  const value = own.value.map((one) => {
    const other = theirs.get(one.id)?.bypass ?? null;
    const isMore = other !== null && other.length >= (one.bypass?.length ?? 0);
    return isMore ? { ...one, bypass: other } : one;
  });
  const known = new Set(value.map(({ id }) => id));
  return { seen: true, value: [...value, ...told.value.filter(({ id }) => !known.has(id))] };
}

function bypassOf(one: BypassActor): { who: string; mode: string } {
  return { who: whoOf(one), mode: one.bypassMode.toLowerCase().replaceAll('_', ' ') };
}

function whoOf(one: z.infer<typeof bypassSchema>): string {
  if (one.organizationAdmin === true) return 'owners of the organisation';
  if (one.enterpriseOwner === true) return 'owners of the enterprise';
  if (one.deployKey === true) return 'every deploy key';
  if (typeof one.repositoryRoleName === 'string') return `the role ${one.repositoryRoleName}`;
  const { actor } = one;
  if (actor === null || actor === undefined) return 'an actor that GitHub does not name';
  return `the ${actor.__typename.toLowerCase()} ${actor.slug ?? ''}`.trim();
}
