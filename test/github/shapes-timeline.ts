/** The timeline of an issue as GitHub's REST API writes it. */
import { commentJson, reviewJson } from './shapes-code.ts';
import { accountJson, htmlUrl, iso, nodeId, repoUrl, viaAppJson } from './shapes.ts';
import type { Account, IssueRecord, Json, RepoRecord, TimelineEvent } from './state.ts';
import type { World } from './world.ts';

export function isAccount(value: unknown): value is Account {
  return typeof value === 'object' && value !== null && 'login' in value && 'type' in value;
}

function eventJson(world: World, repo: RepoRecord, one: TimelineEvent): Json {
  const detail = Object.fromEntries(
    Object.entries(one.detail).map(([name, value]) => [
      name,
      isAccount(value) ? accountJson(world, value) : value,
    ]),
  );
  const url = one.commitId === null ? null : `${repoUrl(world, repo)}/commits/${one.commitId}`;
  return {
    id: one.id,
    node_id: nodeId('EV', one.id),
    url: `${repoUrl(world, repo)}/issues/events/${one.id}`,
    actor: accountJson(world, one.actor),
    event: one.event,
    commit_id: one.commitId,
    commit_url: url,
    created_at: iso(one.atMs),
    performed_via_github_app: viaAppJson(world, one.viaApp),
    ...detail,
  };
}

interface Dated {
  readonly atMs: number;
  readonly json: Json;
}

async function committed(world: World, repo: RepoRecord, issue: IssueRecord): Promise<Dated[]> {
  const pull = repo.pulls.get(issue.number);
  if (pull === undefined) return [];
  const commits = await world.pullCommits(repo, pull);
  return commits.map((commit) => ({
    atMs: commit.committer.atMs,
    json: {
      event: 'committed',
      sha: commit.sha,
      node_id: nodeId('C', Number.parseInt(commit.sha.slice(0, 8), 16)),
      url: `${repoUrl(world, repo)}/git/commits/${commit.sha}`,
      html_url: `${htmlUrl(world, repo)}/commit/${commit.sha}`,
      author: { ...commit.author, date: iso(commit.author.atMs), atMs: undefined },
      committer: { ...commit.committer, date: iso(commit.committer.atMs), atMs: undefined },
      message: commit.message,
      tree: { sha: commit.tree, url: `${repoUrl(world, repo)}/git/trees/${commit.tree}` },
      parents: commit.parents.map((sha) => ({
        sha,
        url: `${repoUrl(world, repo)}/git/commits/${sha}`,
        html_url: `${htmlUrl(world, repo)}/commit/${sha}`,
      })),
      verification: {
        verified: repo.verified.has(commit.sha),
        reason: repo.verified.has(commit.sha) ? 'valid' : 'unsigned',
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
  }));
}

/** Everything that happened on an issue or pull request, oldest first. */
export async function timelineJson(
  world: World,
  repo: RepoRecord,
  issue: IssueRecord,
): Promise<Json[]> {
  const pull = repo.pulls.get(issue.number);
  const events = issue.timeline.map((one) => ({
    atMs: one.atMs,
    json: eventJson(world, repo, one),
  }));
  const comments = issue.comments.map((one) => ({
    atMs: one.createdAtMs,
    json: {
      ...commentJson(world, repo, issue.number, one),
      event: 'commented',
      actor: accountJson(world, one.user),
    },
  }));
  const reviews = (pull?.reviews ?? []).map((one) => ({
    atMs: one.submittedAtMs,
    json:
      pull === undefined
        ? {}
        : {
            ...reviewJson(world, repo, pull, one),
            state: one.state.toLowerCase(),
            event: 'reviewed',
          },
  }));
  const all = [...(await committed(world, repo, issue)), ...events, ...comments, ...reviews];
  return all.sort((a, b) => a.atMs - b.atMs).map((one) => one.json);
}
