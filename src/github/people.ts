/** What the reviewers may do on the repository now, and which of the policy's teams they belong to. */
import { z } from 'zod';
import type { Account, Review, Standing } from '../core/evidence.ts';
import type { Policy, TeamRule } from '../core/policy.ts';
import { blobsIn, fitForOneQuery, type WantedBlob } from './blobs.ts';
import type { GraphqlAnswer } from './clients.ts';
import { isRefusal } from './faults.ts';
import { peopleQuery } from './queries.ts';
import { parseAnswer, place, type Reading } from './reading.ts';

/** How many people one query asks about; teams multiply it. */
const PEOPLE_PER_QUERY = 25;

type Permission = Standing['permission'];

/** The accounts whose standing a decision can need: people whose review decides or speaks. */
export function reviewersOf(reviews: readonly Review[]): readonly Account[] {
  const people = new Map<number, Account>();
  const add = (account: Account | null): void => {
    if (account?.type === 'User') people.set(account.id, account);
  };
  for (const { author, state, body, dismissed } of reviews) {
    const speaks = ['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'].includes(state);
    if (speaks || body !== '') add(author);
    // Whether a change request may be taken away depends on who did it.
    add(dismissed?.by ?? null);
  }
  return [...people.values()];
}

/** Slugs of all teams that the policy names, in order. */
export function teamsOf(policy: Policy): readonly string[] {
  const slugs = new Set<string>();
  const add = (rule: TeamRule): void => {
    for (const slug of rule.teams ?? []) slugs.add(slug);
    for (const part of [...(rule.allOf ?? []), ...(rule.anyOf ?? [])]) add(part);
  };
  for (const rule of Object.values(policy.environments)) {
    for (const review of Object.values(rule.reviews)) add(review);
    if (rule.breakGlass !== null) add(rule.breakGlass);
  }
  return [...slugs].sort();
}

/**
 * Reads the standing of each account afresh. Throws GitHubFault. `alongside` are blobs that will be
 * needed: those that fit come with the first query into memory.
 */
export async function readPeople(
  reading: Reading,
  accounts: readonly Account[],
  teams: readonly string[],
  alongside: readonly WantedBlob[] = [],
): Promise<readonly Standing[]> {
  const people: Standing[] = [];
  let blobs = await fitForOneQuery(reading, alongside);
  for (let at = 0; at < accounts.length || blobs.length > 0; at += PEOPLE_PER_QUERY) {
    const group = accounts.slice(at, at + PEOPLE_PER_QUERY);
    const { owner, name } = reading.repo;
    const logins = group.map((account) => account.login);
    const asked = logins.length === 0 ? [] : teams;
    const answer = await reading.client.query(peopleQuery(logins, asked, blobs), { owner, name });
    if (blobs.length > 0) await reading.memory.keepBlobs(blobsIn(answer.data, blobs));
    blobs = [];
    for (const [index, account] of group.entries()) {
      people.push({
        id: account.id,
        login: account.login,
        permission: await permissionOf(reading, answer, index, account),
        teams: await teamsNow(reading, answer, { index, account, teams }),
      });
    }
  }
  return people;
}

const collaboratorSchema = z.object({
  edges: z.array(
    z.object({
      permission: z.string(),
      node: z.object({ databaseId: z.int().nullish(), login: z.string() }),
    }),
  ),
});

function field(data: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => {
    const found = z.record(z.string(), z.unknown()).safeParse(value);
    return found.success ? found.data[key] : undefined;
  }, data);
}

/** GraphQL's answer for the person where it gave one, else REST's. */
async function permissionOf(
  reading: Reading,
  answer: GraphqlAnswer,
  index: number,
  account: Account,
): Promise<Permission> {
  const found = collaboratorSchema.safeParse(field(answer.data, 'repository', `p${index}`));
  const edge = found.data?.edges.find(({ node }) => node.databaseId === account.id);
  const known = edge === undefined ? null : permissionNamed(edge.permission.toLowerCase());
  return known ?? restPermission(reading, account);
}

const restPermissionSchema = z.object({
  permission: z.string(),
  role_name: z.string().optional(),
  user: z.object({ id: z.int() }).nullish(),
});

async function restPermission(reading: Reading, account: Account): Promise<Permission> {
  try {
    const path = '/repos/{owner}/{repo}/collaborators/{username}/permission';
    const answer = await reading.client.get(path, {
      ...place(reading.repo),
      username: account.login,
    });
    const read = parseAnswer(
      restPermissionSchema,
      answer.data,
      `the permission of ${account.login}`,
    );
    // A login can change hands: the permission counts for the account that was asked about only.
    if (read.user !== null && read.user !== undefined && read.user.id !== account.id) return 'none';
    return permissionNamed(read.role_name ?? '') ?? permissionNamed(read.permission) ?? 'none';
  } catch (fault) {
    if (isRefusal(fault, 404)) return 'none';
    throw fault;
  }
}

function permissionNamed(name: string): Permission | null {
  const known: readonly Permission[] = ['admin', 'maintain', 'write', 'triage', 'read', 'none'];
  return known.find((permission) => permission === name) ?? null;
}

const membersSchema = z.object({
  pageInfo: z.object({ hasNextPage: z.boolean() }),
  nodes: z.array(z.object({ databaseId: z.int().nullish(), login: z.string() })),
});

async function teamsNow(
  reading: Reading,
  answer: GraphqlAnswer,
  who: { readonly index: number; readonly account: Account; readonly teams: readonly string[] },
): Promise<readonly string[]> {
  const member: string[] = [];
  for (const [at, slug] of who.teams.entries()) {
    const team = field(answer.data, 'organization', `t${at}`);
    const found = membersSchema.safeParse(field(team, `m${who.index}`));
    const isIn = found.success
      ? found.data.nodes.some((node) => node.databaseId === who.account.id)
      : false;
    const unsure = found.success ? !isIn && found.data.pageInfo.hasNextPage : team !== null;
    if (isIn || (unsure && (await restMembership(reading, slug, who.account)))) member.push(slug);
  }
  return member;
}

async function restMembership(reading: Reading, slug: string, account: Account): Promise<boolean> {
  try {
    const path = '/orgs/{org}/teams/{team_slug}/memberships/{username}';
    const answer = await reading.client.get(path, {
      org: reading.repo.owner,
      team_slug: slug,
      username: account.login,
    });
    const schema = z.object({ state: z.string() });
    return parseAnswer(schema, answer.data, `the team ${slug}`).state === 'active';
  } catch (fault) {
    if (isRefusal(fault, 404)) return false;
    throw fault;
  }
}
