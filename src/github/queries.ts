/** The GraphQL documents of the gatherer. Each is one request; lists page by their own cursors. */

/** How many items of a list one query takes; GitHub's own limit. */
export const PAGE = 100;

const ACCOUNT = `
fragment account on Actor {
  __typename
  login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }
}`;

const COMMIT = `
fragment commitPerson on GitActor { name email user { databaseId login } }
fragment commitFacts on Commit {
  oid
  message
  parents(first: 50) { pageInfo { hasNextPage } nodes { oid } }
  authors(first: 30) { pageInfo { hasNextPage } nodes { ...commitPerson } }
  committer { ...commitPerson }
  signature { isValid }
}`;

const COMMITS = `
fragment pullCommits on PullRequestCommitConnection {
  pageInfo { hasNextPage endCursor }
  nodes { commit { ...commitFacts } }
}`;

const REVIEWS = `
fragment pullReviews on PullRequestReviewConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    fullDatabaseId
    author { ...account }
    state
    commit { oid }
    submittedAt
    lastEditedAt
    createdViaEmail
    body
    comments(first: 20) { pageInfo { hasNextPage } nodes { author { ...account } body } }
  }
}`;

const TIMELINE = `
fragment pullTimeline on PullRequestTimelineItemsConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    __typename
    ... on AssignedEvent {
      actor { ...account }
      assignee {
        __typename
        ... on User { databaseId login }
        ... on Bot { databaseId login }
        ... on Mannequin { databaseId login }
        ... on Organization { databaseId login }
      }
    }
    ... on IssueComment { author { ...account } body }
    ... on BaseRefChangedEvent { createdAt }
    ... on ReviewDismissedEvent {
      actor { ...account }
      previousReviewState
      review { fullDatabaseId }
    }
    ... on HeadRefForcePushedEvent {
      actor { ...account }
      createdAt
      afterCommit { oid }
    }
  }
}`;

const TIMELINE_TYPES =
  '[ASSIGNED_EVENT, ISSUE_COMMENT, HEAD_REF_FORCE_PUSHED_EVENT, BASE_REF_CHANGED_EVENT, ' +
  'REVIEW_DISMISSED_EVENT]';

const POLICY_BLOB = '{ ... on Blob { oid text isBinary isTruncated } }';

const POLICY_FILES = `
  defaultBranchRef { name target { oid } }
  policyFile: object(expression: $policyPath) ${POLICY_BLOB}`;

const WRITERS = '{ pageInfo { hasNextPage } edges { permission node { databaseId login } } }';

/** A pull request with the first page of each of its lists. */
function pullFields(page: number): string {
  return `
      title
      body
      state
      isDraft
      author { ...account }
      baseRefName
      baseRefOid
      baseRef { target { oid } }
      headRefName
      headRefOid
      headRepository { databaseId name owner { login } }
      mergedAt
      mergeCommit { oid }
      mergedBy { ...account }
      labels(first: 100) { nodes { name } }
      commits(first: ${page}) { ...pullCommits }
      reviews(first: ${page}) { ...pullReviews }
      timelineItems(first: ${page}, itemTypes: ${TIMELINE_TYPES}) { ...pullTimeline }`;
}

/**
 * First pages of the pull requests that are read together. GitHub counts what could come: with 30
 * of each list, of which 30 commits name 50 parents and 30 authors and 30 reviews have 20 comments,
 * a pull request may have 3,150 nodes and costs about one point, so that ten in a query stay far
 * below the 500,000 nodes of a query and the ten seconds that GitHub gives one.
 */
export const TOGETHER_PAGE = 30;
export const PULLS_PER_QUERY = 10;

/** A query for several pull requests, as fields `p0`, `p1`, …; their lists go on by further pages. */
export function pullsQuery(numbers: readonly number[]): string {
  const fields = numbers.map(
    (number, index) => `p${index}: pullRequest(number: ${number}) { ${pullFields(TOGETHER_PAGE)} }`,
  );
  return `query Pulls($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${fields.join('\n')} }
}
${ACCOUNT}${COMMIT}${COMMITS}${REVIEWS}${TIMELINE}`;
}

/**
 * Everything about one pull request, the heads of all that are open (when asked for), the
 * repository's policy file and the organisation's floor.
 */
export const PULL_QUERY: string = `query Pull(
  $owner: String!, $name: String!, $number: Int!, $policyPath: String!, $withOpen: Boolean!
) {
  repository(owner: $owner, name: $name) {
    databaseId
    ${POLICY_FILES}
    open: pullRequests(states: OPEN, first: ${PAGE}) @include(if: $withOpen) {
      pageInfo { hasNextPage endCursor }
      nodes { number headRefOid author { ...account } }
    }
    people: collaborators(first: ${PAGE}) @include(if: $withOpen) ${WRITERS}
    pullRequest(number: $number) { ${pullFields(PAGE)} }
  }
  floor: repository(owner: $owner, name: ".github") { databaseId ${POLICY_FILES} }
}
${ACCOUNT}${COMMIT}${COMMITS}${REVIEWS}${TIMELINE}`;

/** The policy files, and the people with a role, for a deployment. */
export const POLICY_QUERY: string = `query Policy($owner: String!, $name: String!, $policyPath: String!) {
  repository(owner: $owner, name: $name) {
    databaseId
    ${POLICY_FILES}
    people: collaborators(first: ${PAGE}) ${WRITERS}
  }
  floor: repository(owner: $owner, name: ".github") { databaseId ${POLICY_FILES} }
}`;

function pageQuery(connection: string, fragments: string): string {
  return `query Page($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) { page: ${connection} }
  }
}
${fragments}`;
}

/** The next page of each list of a pull request. */
export const COMMITS_PAGE: string = pageQuery(
  `commits(first: ${PAGE}, after: $after) { ...pullCommits }`,
  COMMIT + COMMITS,
);
export const REVIEWS_PAGE: string = pageQuery(
  `reviews(first: ${PAGE}, after: $after) { ...pullReviews }`,
  ACCOUNT + REVIEWS,
);
export const TIMELINE_PAGE: string = pageQuery(
  `timelineItems(first: ${PAGE}, after: $after, itemTypes: ${TIMELINE_TYPES}) { ...pullTimeline }`,
  ACCOUNT + TIMELINE,
);

/** Open pull requests of a repository with both ends, to find those that a commit concerns. */
export const OPEN_PULLS_QUERY: string = `query OpenPulls($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(states: OPEN, first: ${PAGE}, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { number headRefOid }
    }
  }
}`;

/** What the sweeper compares: open pull requests with their last change, and the newest merges. */
export const PULLS_SEEN_QUERY: string = `query PullsSeen($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) {
    open: pullRequests(states: OPEN, first: ${PAGE}, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { number headRefOid updatedAt }
    }
    merged: pullRequests(
      states: MERGED, first: 30, orderBy: { field: UPDATED_AT, direction: DESC }
    ) {
      nodes { number headRefOid mergedAt }
    }
  }
}`;

/** The pull requests that wait in the merge queue of a branch, with the commit made for each. */
export const MERGE_QUEUE_QUERY: string = `query Queue($owner: String!, $name: String!, $branch: String!) {
  repository(owner: $owner, name: $name) {
    mergeQueue(branch: $branch) {
      entries(first: ${PAGE}) {
        pageInfo { hasNextPage }
        nodes { headCommit { oid } pullRequest { number } }
      }
    }
  }
}`;

/** A query for the commits of a deployment's range: who made them, and which pull requests they are of. */
export function rangeQuery(shas: readonly string[]): string {
  const fields = shas.map(
    (sha, index) => `c${index}: object(oid: ${JSON.stringify(sha)}) {
      ... on Commit {
        oid
        associatedPullRequests(first: 10) {
          pageInfo { hasNextPage }
          nodes {
            number merged mergedAt baseRefName headRefOid
            mergeCommit { oid }
            baseRepository { databaseId }
          }
        }
      }
    }`,
  );
  return `query Range($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${fields.join('\n')} }
}`;
}

/** A query for commits with everybody they name. */
export function commitsQuery(shas: readonly string[]): string {
  const fields = shas.map(
    (sha, index) => `c${index}: object(oid: ${JSON.stringify(sha)}) { ...commitFacts }`,
  );
  return `query Commits($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${fields.join('\n')} }
}
${COMMIT}`;
}

/** A query for one level of trees; an id is a commit's or a folder's. */
export function foldersQuery(shas: readonly string[]): string {
  const fields = shas.map(
    (sha, index) => `t${index}: object(oid: ${JSON.stringify(sha)}) {
      ... on Commit { tree { ...folder } }
      ... on Tree { ...folder }
    }`,
  );
  return `query Folders($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${fields.join('\n')} }
}
fragment folder on Tree { oid entries { name mode type oid size } }`;
}

/** Blobs by their ids, as fields `b0`, `b1`, … of a repository. */
export function blobFields(shas: readonly string[]): string {
  const fields = shas.map(
    (sha, index) => `b${index}: object(oid: ${JSON.stringify(sha)}) { ... on Blob { text } }`,
  );
  return fields.join('\n');
}

/** A query for blobs by their ids. */
export function blobQuery(shas: readonly string[]): string {
  return `query Blobs($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${blobFields(shas)} }
}`;
}

/**
 * A query for people's permission on the repository and their membership of the teams named. Blobs
 * that are needed anyway are asked for in the same request.
 */
export function peopleQuery(
  logins: readonly string[],
  teams: readonly string[],
  blobs: readonly string[],
): string {
  const permissions = logins.map(
    (login, index) =>
      `p${index}: collaborators(first: 1, login: ${JSON.stringify(login)}) {
        edges { permission node { databaseId login } }
      }`,
  );
  const members = logins.map(
    (login, index) =>
      `m${index}: members(first: 20, query: ${JSON.stringify(login)}) {
        pageInfo { hasNextPage } nodes { databaseId login }
      }`,
  );
  const perTeam = teams.map(
    (slug, index) => `t${index}: team(slug: ${JSON.stringify(slug)}) { ${members.join('\n')} }`,
  );
  const organization =
    teams.length === 0 ? '' : `organization(login: $owner) { ${perTeam.join('\n')} }`;
  return `query People($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { ${permissions.join('\n')} ${blobFields(blobs)} }
  ${organization}
}`;
}
