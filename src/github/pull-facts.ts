/** One pull request as GraphQL gives it, every list to its end. */
import { z } from 'zod';
import type { GraphqlError } from './clients.ts';
import { GitHubFault } from './faults.ts';
import { commitSchema, wholeCommit } from './commit-facts.ts';
import { type Writers, writersSchema } from './eligible.ts';
import type { Review, ReviewState } from '../core/evidence.ts';
import { type PolicyFacts, repositoryFactsSchema } from './policy-files.ts';
import type { OpenHeads, PullFacts, Said, TimelineItem } from './pull-shapes.ts';
import {
  COMMITS_PAGE,
  PULL_QUERY,
  PULLS_PER_QUERY,
  pullsQuery,
  REVIEWS_PAGE,
  TIMELINE_PAGE,
} from './queries.ts';
import {
  actorSchema,
  noteGap,
  parseAnswer,
  type Reading,
  refuseErrors,
  shaSchema,
  timeSchema,
} from './reading.ts';

/** Pages of 100 that are read of each list of a pull request. */
const MAX_PAGES = 30;

const pageInfoSchema = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });

/** Ids of reviews have grown past GraphQL's integers, so that they come as text. */
const bigIdSchema = z.union([z.string().regex(/^\d{1,15}$/), z.int()]).transform(Number);

const reviewSchema = z.object({
  fullDatabaseId: bigIdSchema,
  author: actorSchema,
  state: z.string(),
  commit: z.object({ oid: shaSchema }).nullish(),
  submittedAt: timeSchema.nullish(),
  lastEditedAt: timeSchema.nullish(),
  createdViaEmail: z.boolean(),
  body: z.string(),
  comments: z.object({
    pageInfo: z.object({ hasNextPage: z.boolean() }),
    nodes: z.array(z.object({ author: actorSchema, body: z.string() })),
  }),
});

const timelineSchema = z.object({
  __typename: z.string(),
  actor: actorSchema,
  assignee: actorSchema,
  author: actorSchema,
  body: z.string().optional(),
  createdAt: timeSchema.optional(),
  afterCommit: z.object({ oid: shaSchema }).nullish(),
  previousReviewState: z.string().optional(),
  review: z.object({ fullDatabaseId: bigIdSchema }).nullish(),
});

function connection<Node extends z.ZodType>(node: Node) {
  return z.object({ pageInfo: pageInfoSchema, nodes: z.array(node) });
}

const pullSchema = z.object({
  title: z.string(),
  body: z.string(),
  state: z.string(),
  isDraft: z.boolean(),
  author: actorSchema,
  baseRefName: z.string(),
  baseRefOid: shaSchema,
  baseRef: z.object({ target: z.object({ oid: shaSchema }).nullish() }).nullish(),
  headRefName: z.string(),
  headRefOid: shaSchema,
  headRepository: z
    .object({
      databaseId: z.int().nullish(),
      name: z.string(),
      owner: z.object({ login: z.string() }),
    })
    .nullish(),
  mergedAt: timeSchema.nullish(),
  mergeCommit: z.object({ oid: shaSchema }).nullish(),
  mergedBy: actorSchema,
  labels: z.object({ nodes: z.array(z.object({ name: z.string() })) }).nullish(),
  commits: connection(z.object({ commit: commitSchema })),
  reviews: connection(reviewSchema),
  timelineItems: connection(timelineSchema),
});

const openSchema = connection(
  z.object({ number: z.int(), headRefOid: shaSchema, author: actorSchema }),
);

const answerSchema = z.object({
  repository: repositoryFactsSchema.and(
    z.object({
      pullRequest: pullSchema.nullable(),
      open: openSchema.optional(),
      people: writersSchema.nullish().catch(null),
    }),
  ),
  floor: repositoryFactsSchema.nullish(),
});

export interface PullAnswer {
  readonly atMs: number;
  readonly policy: PolicyFacts;
  /** Null when there is no such pull request. */
  readonly facts: PullFacts | null;
  /** The first page of the open pull requests, when it was asked for. */
  readonly open: OpenHeads | null;
  /** Beside it, the people with a role on the repository; null when GitHub does not tell. */
  readonly writers: Writers | null;
}

/** Reads a pull request with its lists, and the policy files beside it. Throws GitHubFault. */
export async function readPull(
  reading: Reading,
  number: number,
  asked: { readonly policyPath: string; readonly withOpen: boolean },
): Promise<PullAnswer> {
  const what = `pull request #${number}`;
  const answer = await reading.client.query(PULL_QUERY, {
    owner: reading.repo.owner,
    name: reading.repo.name,
    number,
    ...asked,
  });
  const gone = answer.errors.some(isMissingPull);
  // Who else could approve is good to know, and nothing stands on it.
  const errors = answer.errors.filter(({ path }) => path[1] !== 'people');
  if (!gone) refuseErrors({ ...answer, errors }, what, 'floor');
  const { repository, floor } = parseAnswer(answerSchema, answer.data, what);
  const policy = { repository, floor: floor ?? null, errors: answer.errors };
  const about = {
    atMs: answer.atMs,
    policy,
    open: repository.open ?? null,
    writers: repository.people ?? null,
  };
  const raw = repository.pullRequest;
  return { ...about, facts: raw === null ? null : await factsOf(reading, number, raw) };
}

/**
 * Reads several pull requests by few queries. One that is not in the answer was not to be had this
 * way (GitHub left it out, or the query took too long): it is read alone when it is needed, and a
 * fault that stays shows itself there.
 */
export async function readPulls(
  reading: Reading,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, PullFacts>> {
  const found = new Map<number, PullFacts>();
  for (let at = 0; at < numbers.length; at += PULLS_PER_QUERY) {
    const group = numbers.slice(at, at + PULLS_PER_QUERY);
    for (const [number, raw] of await queryPulls(reading, group)) {
      found.set(number, await factsOf(reading, number, raw));
    }
  }
  return found;
}

const pullsSchema = z.object({ repository: z.record(z.string(), z.unknown()).nullish() });

async function queryPulls(
  reading: Reading,
  numbers: readonly number[],
): Promise<readonly (readonly [number, z.infer<typeof pullSchema>])[]> {
  const { owner, name } = reading.repo;
  const answer = await reading.client
    .query(pullsQuery(numbers), { owner, name })
    .catch((fault: unknown) => {
      if (fault instanceof GitHubFault && fault.code === 'github-unavailable') return null;
      throw fault;
    });
  if (answer === null) return [];
  const fields = pullsSchema.safeParse(answer.data).data?.repository ?? {};
  // An error anywhere inside a pull request leaves it out whole: half of it could hide a review.
  const broken = new Set(answer.errors.map(({ path }) => path[1]));
  const isWhole = answer.errors.every(({ path }) => path[0] === 'repository' && path.length > 1);
  if (!isWhole) return [];
  return numbers.flatMap((number, index) => {
    const field = `p${index}`;
    const read = broken.has(field) ? undefined : pullSchema.safeParse(fields[field]).data;
    return read === undefined ? [] : [[number, read] as const];
  });
}

/** A pull request with its lists to their end. */
async function factsOf(
  reading: Reading,
  number: number,
  raw: z.infer<typeof pullSchema>,
): Promise<PullFacts> {
  const { commits, reviews, timelineItems, ...pull } = raw;
  const read = {
    commits: await restOf(reading, number, {
      first: commits,
      what: 'commits',
      document: COMMITS_PAGE,
      node: z.object({ commit: commitSchema }),
    }),
    reviews: await restOf(reading, number, {
      first: reviews,
      what: 'reviews',
      document: REVIEWS_PAGE,
      node: reviewSchema,
    }),
    timeline: await restOf(reading, number, {
      first: timelineItems,
      what: 'timeline',
      document: TIMELINE_PAGE,
      node: timelineSchema,
    }),
  };
  return {
    pull,
    commits: read.commits.map(({ commit }) => wholeCommit(reading, commit)),
    reviews: read.reviews.map((one) => withDismissal(reviewOf(reading, one), read.timeline)),
    timeline: read.timeline,
    said: [...saidIn(reading, read.reviews), ...saidOn(read.timeline)],
  };
}

function isMissingPull(error: GraphqlError): boolean {
  return error.type === 'NOT_FOUND' && error.path.join('.') === 'repository.pullRequest';
}

interface Page<Node> {
  readonly pageInfo: z.infer<typeof pageInfoSchema>;
  readonly nodes: readonly Node[];
}

/** The nodes of a list, its further pages included. A list without an end is a gap. */
async function restOf<Node extends z.ZodType>(
  reading: Reading,
  number: number,
  list: {
    readonly first: Page<z.infer<Node>>;
    readonly what: string;
    readonly document: string;
    readonly node: Node;
  },
): Promise<readonly z.infer<Node>[]> {
  const schema = z.object({
    repository: z.object({ pullRequest: z.object({ page: connection(list.node) }) }),
  });
  const nodes: z.infer<Node>[] = [...list.first.nodes];
  let info = list.first.pageInfo;
  for (let page = 2; info.hasNextPage; page += 1) {
    if (page > MAX_PAGES) {
      noteGap(reading, {
        what: list.what,
        why: 'truncated',
        detail: `Pull request #${number} has more ${list.what} than the ${nodes.length} that are read; split it.`,
      });
      break;
    }
    const { owner, name } = reading.repo;
    const variables = { owner, name, number, after: info.endCursor ?? null };
    // Cursors make the pages follow each other.
    const answer = await reading.client.query(list.document, variables);
    refuseErrors(answer, list.what);
    const next = parseAnswer(schema, answer.data, list.what).repository.pullRequest.page;
    nodes.push(...next.nodes);
    info = next.pageInfo;
  }
  return nodes;
}

const STATES: readonly ReviewState[] = [
  'APPROVED',
  'CHANGES_REQUESTED',
  'COMMENTED',
  'DISMISSED',
  'PENDING',
];

/** The words of a review that DECISION.md gives a meaning to; every other body stays unread. */
const MEANT = /^\s*(?:release\s|break glass:)/i;

function reviewOf(reading: Reading, raw: z.infer<typeof reviewSchema>): Review {
  const state = STATES.find((known) => known === raw.state);
  if (state === undefined) {
    noteGap(reading, {
      what: 'reviews',
      why: 'unknown-value',
      detail: `Review ${raw.fullDatabaseId} has the unknown state ${JSON.stringify(raw.state.slice(0, 40))}; Tagout has to learn it.`,
    });
  }
  return {
    id: raw.fullDatabaseId,
    author: raw.author,
    state: state ?? 'UNKNOWN',
    commitSha: raw.commit?.oid ?? null,
    submittedAtMs: raw.submittedAt ?? 0,
    editedAtMs: raw.lastEditedAt ?? null,
    viaEmail: raw.createdViaEmail,
    body: MEANT.test(raw.body) ? raw.body.slice(0, 2000) : '',
    commented: raw.body.trim() !== '' || raw.comments.nodes.length > 0,
  };
}

/** A dismissed review with who dismissed it last: the timeline alone tells. */
function withDismissal(review: Review, timeline: readonly TimelineItem[]): Review {
  if (review.state !== 'DISMISSED') return review;
  const event = timeline.findLast((item) => item.review?.fullDatabaseId === review.id);
  if (event === undefined) return review;
  const was = STATES.find((known) => known === event.previousReviewState) ?? 'UNKNOWN';
  return { ...review, dismissed: { by: event.actor, was } };
}

function saidIn(reading: Reading, reviews: readonly z.infer<typeof reviewSchema>[]): Said[] {
  return reviews.flatMap((review) => {
    if (review.comments.pageInfo.hasNextPage) {
      noteGap(reading, {
        what: 'review comments',
        why: 'truncated',
        detail: `Review ${review.fullDatabaseId} has more than the 20 comments that are read; whoever called an agent there is not known. Ask for a review with fewer comments.`,
      });
    }
    const source = `review ${review.fullDatabaseId}`;
    const own = { author: review.author, body: review.body, source };
    return [own, ...review.comments.nodes.map((comment) => ({ ...comment, source }))];
  });
}

function saidOn(timeline: readonly TimelineItem[]): Said[] {
  return timeline.flatMap((item) =>
    item.__typename === 'IssueComment'
      ? [{ author: item.author, body: item.body ?? '', source: 'timeline comment' }]
      : [],
  );
}
