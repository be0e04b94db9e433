/** Pull requests, reviews and the timeline in GraphQL. */
import { accountNode, actorNode, connection, type Asking, type PageArgs } from './graphql-nodes.ts';
import { isAccount } from './shapes-timeline.ts';
import { association } from './shapes-code.ts';
import { htmlUrl, iso, isoOrNull, nodeId } from './shapes.ts';
import type { Comment, Json, PullRecord, RepoRecord, Review, TimelineEvent } from './state.ts';

/** How a pull request reaches its neighbours. */
export interface Nodes {
  readonly repo: (asking: Asking, repo: RepoRecord) => Json;
  readonly commit: (asking: Asking, repo: RepoRecord, sha: string) => Promise<Json | null>;
}

function reviewNode(asking: Asking, repo: RepoRecord, review: Review, nodes: Nodes): Json {
  const { world } = asking;
  const role = world.permission(repo, review.user);
  const edited = review.editedAtMs !== null;
  return {
    __typename: 'PullRequestReview',
    id: nodeId('PRR', review.id),
    // The old field is a 32-bit integer, and ids have grown past it.
    databaseId: review.id > 2_147_483_647 ? null : review.id,
    fullDatabaseId: String(review.id),
    author: actorNode(review.user),
    authorAssociation: association(world, repo, review.user),
    authorCanPushToRepository: ['admin', 'maintain', 'write'].includes(role),
    body: review.body,
    bodyText: review.body,
    state: review.state,
    commit: () => (review.commitId === null ? null : nodes.commit(asking, repo, review.commitId)),
    createdAt: iso(review.submittedAtMs),
    submittedAt: iso(review.submittedAtMs),
    publishedAt: iso(review.submittedAtMs),
    updatedAt: iso(review.editedAtMs ?? review.submittedAtMs),
    lastEditedAt: isoOrNull(review.editedAtMs),
    includesCreatedEdit: edited,
    editor: edited ? actorNode(review.user) : null,
    createdViaEmail: review.viaEmail,
    onBehalfOf: (args: PageArgs) => connection('onBehalfOf', args, [], () => null),
    comments: (args: PageArgs) => connection('comments', args, [], () => null),
  };
}

function commentNode(comment: Comment): Json {
  return {
    __typename: 'IssueComment',
    id: nodeId('IC', comment.id),
    databaseId: comment.id,
    fullDatabaseId: String(comment.id),
    author: actorNode(comment.user),
    body: comment.body,
    bodyText: comment.body,
    createdAt: iso(comment.createdAtMs),
    updatedAt: iso(comment.updatedAtMs),
    lastEditedAt: comment.updatedAtMs > comment.createdAtMs ? iso(comment.updatedAtMs) : null,
  };
}

interface EventContext {
  readonly asking: Asking;
  readonly repo: RepoRecord;
  readonly nodes: Nodes;
  readonly pull: PullRecord;
}

type EventNode = (event: TimelineEvent, context: EventContext) => Json;

function commitOf(event: TimelineEvent, name: string, at: EventContext): Promise<Json | null> {
  const sha = event.detail[name];
  return typeof sha === 'string' ? at.nodes.commit(at.asking, at.repo, sha) : Promise.resolve(null);
}

/** REST's name of an event to GraphQL's type and its own fields. */
const eventNodes: Readonly<Record<string, readonly [string, EventNode]>> = {
  assigned: [
    'AssignedEvent',
    ({ detail }) => {
      const { assignee } = detail;
      return { assignee: isAccount(assignee) ? accountNode(assignee) : null };
    },
  ],
  head_ref_force_pushed: [
    'HeadRefForcePushedEvent',
    (event, at) => ({
      beforeCommit: () => commitOf(event, 'before', at),
      afterCommit: () => commitOf(event, 'after', at),
      ref: null,
    }),
  ],
  base_ref_changed: [
    'BaseRefChangedEvent',
    ({ id, detail }) => ({
      databaseId: id,
      previousRefName: detail['before'],
      currentRefName: detail['after'],
    }),
  ],
  merged: [
    'MergedEvent',
    ({ commitId }, at) => ({
      mergeRefName: at.repo.defaultBranch,
      commit: () => (commitId === null ? null : at.nodes.commit(at.asking, at.repo, commitId)),
    }),
  ],
  review_dismissed: [
    'ReviewDismissedEvent',
    ({ id, detail }, { asking, repo, nodes, pull }) => {
      const found = detail['dismissed_review'];
      const known = typeof found === 'object' && found !== null ? found : {};
      const of = pull.reviews.find((one) => 'review_id' in known && one.id === known.review_id);
      const review = of === undefined ? null : reviewNode(asking, repo, of, nodes);
      const state = 'state' in known ? String(known.state).toUpperCase() : 'APPROVED';
      const message = 'dismissal_message' in known ? known.dismissal_message : null;
      const told = { previousReviewState: state, dismissalMessage: message, review };
      return { databaseId: id, ...told };
    },
  ],
  closed: ['ClosedEvent', () => ({})],
  reopened: ['ReopenedEvent', () => ({})],
  labeled: ['LabeledEvent', () => ({})],
  unlabeled: ['UnlabeledEvent', () => ({})],
  head_ref_deleted: ['HeadRefDeletedEvent', () => ({ headRefName: '' })],
};

function eventNode(event: TimelineEvent, context: EventContext): Json | null {
  const known = eventNodes[event.event];
  if (known === undefined) return null;
  const [__typename, more] = known;
  const id = nodeId('EV', event.id);
  const actor = actorNode(event.actor);
  return { __typename, id, actor, createdAt: iso(event.atMs), ...more(event, context) };
}

/** `HeadRefForcePushedEvent` to `HEAD_REF_FORCE_PUSHED_EVENT`. */
function itemType(typename: unknown): string {
  return String(typename)
    .replace(/(?<!^)([A-Z])/g, '_$1')
    .toUpperCase();
}

interface TimelineArgs extends PageArgs {
  readonly itemTypes?: readonly string[] | null;
  readonly since?: string | null;
}

function timeline(
  context: EventContext,
  pull: PullRecord,
  args: TimelineArgs,
): Json | Promise<Json> {
  const { asking, repo, nodes } = context;
  const since = Date.parse(args.since ?? '1970-01-01');
  const all = [
    ...pull.issue.timeline.map((one) => ({ atMs: one.atMs, json: eventNode(one, context) })),
    ...pull.issue.comments.map((one) => ({ atMs: one.createdAtMs, json: commentNode(one) })),
    ...pull.reviews.map((one) => ({
      atMs: one.submittedAtMs,
      json: reviewNode(asking, repo, one, nodes),
    })),
  ];
  const wanted = args.itemTypes ?? null;
  const items = all
    .filter((one) => one.json !== null && one.atMs >= since)
    .filter((one) => wanted === null || wanted.includes(itemType(one.json?.['__typename'])))
    .sort((a, b) => a.atMs - b.atMs);
  return connection('timelineItems', args, items, (one) => one.json);
}

async function commits(context: EventContext, pull: PullRecord, args: PageArgs): Promise<Json> {
  const { asking, repo, nodes } = context;
  const shas = await repo.git.range(pull.baseSha, pull.headSha);
  // The list of a pull request's commits ends at 250 here too.
  const page = await connection('commits', args, shas.slice(0, 250), async (sha) => ({
    __typename: 'PullRequestCommit',
    id: nodeId('PRC', pull.id),
    commit: await nodes.commit(asking, repo, sha),
  }));
  return { ...page, totalCount: shas.length };
}

async function files(repo: RepoRecord, pull: PullRecord, args: PageArgs): Promise<Json> {
  const base = (await repo.git.mergeBase(pull.baseSha, pull.headSha)) ?? pull.baseSha;
  const list = await repo.git.diff(base, pull.headSha);
  return connection('files', args, list, (file) => ({
    path: file.path,
    additions: file.additions,
    deletions: file.deletions,
    changeType: file.status === 'removed' ? 'DELETED' : file.status.toUpperCase(),
  }));
}

export function pullNode(asking: Asking, repo: RepoRecord, pull: PullRecord, nodes: Nodes): Json {
  const { issue, headRepo } = pull;
  const context = { asking, repo, nodes, pull };
  const merged = pull.mergedAtMs !== null;
  const head = headRepo !== null && !headRepo.deleted ? headRepo : null;
  const ref = (held: RepoRecord, branch: string): Json | null => {
    const sha = held.branches.get(branch);
    if (sha === undefined) return null;
    const target = (): Promise<Json | null> => nodes.commit(asking, held, sha);
    return { id: nodeId('REF', held.id), name: branch, prefix: 'refs/heads/', target };
  };
  return {
    __typename: 'PullRequest',
    id: nodeId('PR', pull.id),
    databaseId: pull.id > 2_147_483_647 ? null : pull.id,
    fullDatabaseId: String(pull.id),
    number: pull.number,
    url: `${htmlUrl(asking.world, repo)}/pull/${pull.number}`,
    title: issue.title,
    body: issue.body ?? '',
    bodyText: issue.body ?? '',
    state: merged ? 'MERGED' : issue.state.toUpperCase(),
    closed: issue.state === 'closed',
    merged,
    isDraft: pull.draft,
    isCrossRepository: headRepo !== repo,
    author: actorNode(issue.user),
    authorAssociation: association(asking.world, repo, issue.user),
    createdAt: iso(issue.createdAtMs),
    updatedAt: iso(issue.updatedAtMs),
    closedAt: isoOrNull(issue.closedAtMs),
    mergedAt: isoOrNull(pull.mergedAtMs),
    mergedBy: actorNode(pull.mergedBy),
    mergeCommit: () =>
      merged && pull.mergeCommitSha !== null
        ? nodes.commit(asking, repo, pull.mergeCommitSha)
        : null,
    baseRefName: pull.baseRef,
    baseRefOid: pull.baseSha,
    baseRef: () => ref(repo, pull.baseRef),
    headRefName: pull.headRef,
    headRefOid: pull.headSha,
    headRef: () => (head === null ? null : ref(head, pull.headRef)),
    baseRepository: () => nodes.repo(asking, repo),
    headRepository: () => (head === null ? null : nodes.repo(asking, head)),
    headRepositoryOwner: () => (head === null ? null : accountNode(head.owner)),
    labels: (args: PageArgs) =>
      connection('labels', args, issue.labels, (name) => {
        const label = repo.labels.get(name.toLowerCase());
        return { id: nodeId('LA', label?.id ?? 0), name, color: label?.color ?? 'ededed' };
      }),
    assignees: (args: PageArgs) => connection('assignees', args, issue.assignees, accountNode),
    comments: (args: PageArgs) => connection('comments', args, issue.comments, commentNode),
    commits: (args: PageArgs) => commits(context, pull, args),
    files: (args: PageArgs) => files(repo, pull, args),
    reviews: (args: PageArgs & { states?: readonly string[] | null }) => {
      const list = pull.reviews.filter((one) => args.states?.includes(one.state) ?? true);
      return connection('reviews', args, list, (one) => reviewNode(asking, repo, one, nodes));
    },
    timelineItems: (args: TimelineArgs) => timeline(context, pull, args),
  };
}
