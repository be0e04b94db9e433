/** A pull request as it was read, in GraphQL's words. */
import type { Account, Commit, Review } from '../core/evidence.ts';

/** One event on a pull request's page: an assignment, a comment, a force push or a dismissal. */
export interface TimelineItem {
  readonly __typename: string;
  readonly actor: Account | null;
  readonly assignee: Account | null;
  readonly author: Account | null;
  readonly body?: string | undefined;
  readonly createdAt?: number | undefined;
  readonly afterCommit?: { readonly oid: string } | null | undefined;
  readonly previousReviewState?: string | undefined;
  readonly review?: { readonly fullDatabaseId: number } | null | undefined;
}

/** A comment that could call an agent, wherever it stood. */
export interface Said {
  readonly author: Account | null;
  readonly body: string;
  readonly source: string;
}

type Optional<Value> = Value | null | undefined;

/** The pull request's own fields, in GraphQL's words. */
export interface PullFields {
  readonly title: string;
  readonly body: string;
  readonly state: string;
  readonly isDraft: boolean;
  readonly author: Account | null;
  readonly baseRefName: string;
  readonly baseRefOid: string;
  readonly baseRef?: Optional<{ readonly target?: Optional<{ readonly oid: string }> }>;
  readonly headRefName: string;
  readonly headRefOid: string;
  readonly headRepository?: Optional<{
    readonly databaseId?: Optional<number>;
    readonly name: string;
    readonly owner: { readonly login: string };
  }>;
  readonly mergedAt?: Optional<number>;
  readonly mergeCommit?: Optional<{ readonly oid: string }>;
  readonly mergedBy: Account | null;
  readonly labels?: Optional<{ readonly nodes: readonly { readonly name: string }[] }>;
}

export interface PullFacts {
  readonly pull: PullFields;
  readonly commits: readonly Commit[];
  readonly reviews: readonly Review[];
  readonly timeline: readonly TimelineItem[];
  readonly said: readonly Said[];
}

/** A page of the open pull requests with their heads. */
export interface OpenHeads {
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly endCursor?: string | null | undefined;
  };
  readonly nodes: readonly {
    readonly number: number;
    readonly headRefOid: string;
    readonly author: Account | null;
  }[];
}
