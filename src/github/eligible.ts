/** Everybody who could approve, so that a wait that can never end is said at once. */
import { z } from 'zod';
import type { Standing } from '../core/evidence.ts';
import { getPages } from './clients.ts';
import { isRefusal } from './faults.ts';
import { parseAnswer, type Reading } from './reading.ts';

/** Where more people than this are in a team, there are enough. */
const MAX_PAGES = 3;

/** The first page of the people with a role on the repository. */
export interface Writers {
  readonly pageInfo: { readonly hasNextPage: boolean };
  readonly edges: readonly {
    readonly permission: string;
    readonly node: { readonly databaseId: number; readonly login: string };
  }[];
}

export const writersSchema: z.ZodType<Writers> = z.object({
  pageInfo: z.object({ hasNextPage: z.boolean() }),
  edges: z.array(
    z.object({
      permission: z.string(),
      node: z.object({ databaseId: z.int(), login: z.string() }),
    }),
  ),
});

const memberSchema = z.array(z.object({ id: z.int() }));

/**
 * People with write access, with those of the policy's teams that they belong to; left out when the
 * list is long or GitHub does not give it, as then it says nothing about too few.
 */
export async function readEligible(
  reading: Reading,
  writers: Writers | null,
  teams: readonly string[],
): Promise<{ readonly eligible?: readonly Standing[] }> {
  if (writers === null || writers.pageInfo.hasNextPage) return {};
  try {
    const members = new Map<string, ReadonlySet<number>>();
    for (const slug of teams) members.set(slug, await membersOf(reading, slug));
    const eligible = writers.edges.flatMap(({ permission: role, node }): Standing[] => {
      const permission = roleNamed(role.toLowerCase());
      if (permission === null) return [];
      const { databaseId: id, login } = node;
      return [{ id, login, permission, teams: teams.filter((slug) => members.get(slug)?.has(id)) }];
    });
    return { eligible };
  } catch (fault) {
    if (isRefusal(fault, 403, 404)) return {};
    throw fault;
  }
}

/** A custom role that may push counts as write. */
function roleNamed(role: string): Standing['permission'] | null {
  if (role === 'read' || role === 'triage' || role === 'none') return null;
  return role === 'admin' || role === 'maintain' ? role : 'write';
}

async function membersOf(reading: Reading, slug: string): Promise<ReadonlySet<number>> {
  const list = await getPages(reading.client, '/orgs/{org}/teams/{team_slug}/members', {
    parameters: { org: reading.repo.owner, team_slug: slug },
    pages: MAX_PAGES,
    rows: (data) => parseAnswer(memberSchema, data, `the team ${slug}`),
  });
  return new Set(list.rows.map(({ id }) => id));
}
