/** One commit as GraphQL gives it, with everybody that it names. */
import { z } from 'zod';
import type { Commit, CommitPerson } from '../core/evidence.ts';
import { noteGap, parseAnswer, type Reading, shaSchema } from './reading.ts';

/** A commit, and whether its people or parents go on beyond what was given. */
export interface ReadCommit {
  readonly cut: boolean;
  readonly commit: Commit;
}

const personSchema = z
  .object({
    name: z.string().nullish(),
    email: z.string().nullish(),
    user: z.object({ databaseId: z.int().nullish(), login: z.string() }).nullish(),
  })
  .nullish()
  .transform((person): CommitPerson => {
    const id = person?.user?.databaseId;
    const login = person?.user?.login;
    const known = id !== null && id !== undefined && login !== undefined;
    return {
      account: known ? { id, login, type: 'User' } : null,
      name: person?.name ?? '',
      email: person?.email ?? '',
    };
  });

/** A commit as a query with `commitFacts` gives it. */
export const commitSchema: z.ZodType<ReadCommit> = z
  .object({
    oid: shaSchema,
    message: z.string(),
    parents: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean() }),
      nodes: z.array(z.object({ oid: shaSchema })),
    }),
    authors: z.object({
      pageInfo: z.object({ hasNextPage: z.boolean() }),
      nodes: z.array(personSchema),
    }),
    committer: personSchema,
    signature: z.object({ isValid: z.boolean() }).nullish(),
  })
  .transform((raw) => ({
    cut: raw.authors.pageInfo.hasNextPage || raw.parents.pageInfo.hasNextPage,
    commit: {
      sha: raw.oid,
      parents: raw.parents.nodes.map((parent) => parent.oid),
      authors: raw.authors.nodes,
      committer: raw.committer,
      message: raw.message,
      verified: raw.signature?.isValid ?? false,
    } satisfies Commit,
  }));

/** The commit; people or parents beyond the end of its lists are a gap. */
export function wholeCommit(reading: Reading, read: ReadCommit): Commit {
  if (read.cut) {
    noteGap(reading, {
      what: 'commits',
      why: 'truncated',
      detail: `Commit ${read.commit.sha.slice(0, 12)} names more than 30 authors or 50 parents; split it.`,
    });
  }
  return read.commit;
}

/** A commit out of the answer of a query with `commitFacts`. */
export function commitOf(reading: Reading, data: unknown, what: string): Commit {
  return wholeCommit(reading, parseAnswer(commitSchema, data, what));
}
