/** What every part of the gatherer shares while it reads one subject. */
import { z } from 'zod';
import type { Account, Gap } from '../core/evidence.ts';
import type { DryRunAt, Memory } from '../core/ports.ts';
import type { RepoRef } from '../core/subject.ts';
import type { GraphqlAnswer, ReadClient } from './clients.ts';
import { GitHubFault } from './faults.ts';
import type { TreeCache } from './trees.ts';

export interface Reading {
  readonly repo: RepoRef;
  readonly client: ReadClient;
  readonly memory: Memory;
  readonly trees: TreeCache;
  /** What could not be read to its end; every one of them holds. */
  readonly gaps: Gap[];
  /** Told as the dry run of an open pull request goes on. */
  readonly onDryRun?: (at: DryRunAt) => void;
}

/** Notes a gap once; the same thing found missing twice is one gap. */
export function noteGap(reading: Reading, gap: Gap): void {
  const known = reading.gaps.some(
    (other) => other.what === gap.what && other.detail === gap.detail,
  );
  if (!known) reading.gaps.push(gap);
}

/** The `{owner}` and `{repo}` of a path. */
export function place(repo: RepoRef): { owner: string; repo: string } {
  return { owner: repo.owner, repo: repo.name };
}

/**
 * Parses an answer of GitHub's. What has not the documented form is a fault, so that the job is tried
 * again and nothing is judged on half an answer.
 */
export function parseAnswer<Schema extends z.ZodType>(
  schema: Schema,
  data: unknown,
  what: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`;
  throw new GitHubFault(
    'github-unavailable',
    `GitHub's answer for ${what} has an unknown form${where}; it is tried again`,
    { httpStatus: null },
  );
}

/** Throws when a GraphQL answer has an error anywhere but under the given first fields. */
export function refuseErrors(answer: GraphqlAnswer, what: string, ...allowed: string[]): void {
  const bad = answer.errors.find((error) => !allowed.includes(String(error.path[0] ?? '')));
  if (bad === undefined) return;
  const code =
    bad.type === 'NOT_FOUND' || bad.type === 'FORBIDDEN' ? 'github-refused' : 'github-unavailable';
  throw new GitHubFault(code, `GitHub could not answer ${what}: ${bad.message}`, {
    httpStatus: bad.type === 'NOT_FOUND' ? 404 : bad.type === 'FORBIDDEN' ? 403 : null,
  });
}

export const shaSchema: z.ZodString = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);

/** An account as REST gives it. */
export const restAccountSchema: z.ZodType<Account> = z
  .object({ id: z.int(), login: z.string(), type: z.string() })
  .transform(({ id, login, type }): Account => ({ id, login, type: accountType(type) }));

/** An actor as GraphQL gives it; null (a deleted account) stays null. */
export const actorSchema: z.ZodType<Account | null> = z
  .object({
    __typename: z.string(),
    login: z.string(),
    databaseId: z.int().nullish(),
  })
  .nullish()
  .transform((actor): Account | null => {
    if (actor === null || actor === undefined) return null;
    if (actor.databaseId === null || actor.databaseId === undefined) return null;
    const type = accountType(actor.__typename);
    return { id: actor.databaseId, login: botLogin(actor.login, type), type };
  });

/** GraphQL leaves out the `[bot]` that REST and webhooks put behind an app's slug. */
function botLogin(login: string, type: Account['type']): string {
  return type === 'Bot' && /^[a-z0-9-]+$/.test(login) ? `${login}[bot]` : login;
}

function accountType(name: string): Account['type'] {
  switch (name) {
    case 'User':
    case 'Bot':
    case 'Organization':
    case 'Mannequin':
      return name;
    default:
      return 'Unknown';
  }
}

/** Milliseconds of a GitHub time; the schema refuses what is not one. */
export const timeSchema: z.ZodType<number, string> = z.string().transform((text, context) => {
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});
