/** Who may read an installation's record: the owners of its organisation, and the floor's readers. */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { isReader, readersOf } from '../core/audit-readers.ts';
import type { PolicyFile } from '../core/evidence.ts';
import { type Clock, type OctokitFor, type OctokitLike, readClient } from './clients.ts';
import type { ReadClient } from './clients.ts';
import { isRefusal } from './faults.ts';
import { FLOOR_REPOSITORY, POLICY_PATH } from './policy-files.ts';
import { parseAnswer } from './reading.ts';

export interface SignedInPerson {
  readonly id: number;
  readonly login: string;
}

export interface ReadingRight {
  readonly may: boolean;
  /** Login of the organisation or person that the installation belongs to. */
  readonly account: string;
}

const installationSchema = z.object({
  account: z.object({ id: z.int(), login: z.string(), type: z.string() }),
});
const userSchema = z.object({ id: z.int() });
const orgMembershipSchema = z.object({
  state: z.string(),
  role: z.string(),
  user: z.object({ id: z.int() }).nullable(),
});
const teamMembershipSchema = z.object({ state: z.string() });
const contentSchema = z.object({
  type: z.literal('file'),
  encoding: z.literal('base64'),
  content: z.string(),
  sha: z.string(),
});

/** What GitHub answers, or null where it says that there is nothing. Other faults go through. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (fault) {
    if (isRefusal(fault, 404)) return null;
    throw fault;
  }
}

interface Place {
  readonly client: ReadClient;
  readonly org: string;
  readonly person: SignedInPerson;
}

/** A login can change hands: rights are those of the account that signed in. */
async function isStillTheirs({ client, person }: Place): Promise<boolean> {
  const answer = await orNull(client.get('/users/{username}', { username: person.login }));
  if (answer === null) return false;
  return parseAnswer(userSchema, answer.data, 'the account of a reader').id === person.id;
}

async function roleIn({ client, org, person }: Place): Promise<string | null> {
  const path = '/orgs/{org}/memberships/{username}';
  const answer = await orNull(client.get(path, { org, username: person.login }));
  if (answer === null) return null;
  const read = parseAnswer(orgMembershipSchema, answer.data, 'the membership of a reader');
  return read.state === 'active' && read.user?.id === person.id ? read.role : null;
}

async function floorOf({ client, org }: Place): Promise<PolicyFile | null> {
  const place = { owner: org, repo: FLOOR_REPOSITORY, path: POLICY_PATH };
  const answer = await orNull(client.get('/repos/{owner}/{repo}/contents/{path}', place));
  if (answer === null) return null;
  const { content, sha } = parseAnswer(contentSchema, answer.data, 'the floor');
  return {
    repo: `${org}/${FLOOR_REPOSITORY}`,
    path: POLICY_PATH,
    commitSha: null,
    blob: sha,
    text: Buffer.from(content, 'base64').toString('utf8'),
  };
}

async function isInTeam({ client, org, person }: Place, team_slug: string): Promise<boolean> {
  const path = '/orgs/{org}/teams/{team_slug}/memberships/{username}';
  const asked = { org, team_slug, username: person.login };
  const answer = await orNull(client.get(path, asked));
  if (answer === null) return false;
  return parseAnswer(teamMembershipSchema, answer.data, `the team ${team_slug}`).state === 'active';
}

async function mayRead(place: Place): Promise<boolean> {
  if (!(await isStillTheirs(place))) return false;
  const role = await roleIn(place);
  if (role === null) return false;
  if (role === 'admin') return true;
  const floor = await floorOf(place);
  const rule = floor === null ? null : readersOf(floor);
  return rule !== null && isReader(rule, (slug) => isInTeam(place, slug));
}

/**
 * Asks GitHub with the installation's own token, afresh at each call. Throws GitHubFault when it
 * cannot be read; nobody may read then. An installation that is gone has no readers.
 */
export function createReadersCheck(
  clients: { readonly app: () => Promise<OctokitLike>; readonly octokitFor: OctokitFor },
  now: Clock,
): (installationId: number, person: SignedInPerson) => Promise<ReadingRight> {
  return async (installationId, person) => {
    const app = readClient(await clients.app(), now);
    const path = '/app/installations/{installation_id}';
    const found = await orNull(app.get(path, { installation_id: installationId }));
    if (found === null) return { may: false, account: `installation ${installationId}` };
    const { account } = parseAnswer(installationSchema, found.data, 'the installation');
    if (account.type !== 'Organization') {
      return { may: account.id === person.id, account: account.login };
    }
    const client = readClient(await clients.octokitFor(installationId), now);
    const may = await mayRead({ client, org: account.login, person });
    return { may, account: account.login };
  };
}
