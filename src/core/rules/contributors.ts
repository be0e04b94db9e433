/**
 * Everybody who had a hand in a change: authors, committers, co-authors and pushers. A person who
 * cannot be named raises the number of approvals by one, because it could be any reviewer.
 */
import { agentIndex } from '../agent-index.ts';
import { hasSamePeople } from '../commit-people.ts';
import type { Change, Commit, CommitPerson } from '../evidence.ts';
import { isAgentAccount } from '../origin.ts';
import type { Policy } from '../policy.ts';

/** GitHub's own committer account for commits made on its web pages. */
export const WEB_FLOW_ID = 19_864_447;

export interface Contributors {
  /** Ids of authors, committers and co-authors (R04). */
  readonly commits: ReadonlySet<number>;
  /** Ids of those who pushed to the head branch (R05). */
  readonly pushers: ReadonlySet<number>;
  /** What names a contributor that belongs to no account: e-mails, or pushes without an actor. */
  readonly unknown: readonly string[];
}

/** Finds the contributors of one change; `people` of the policy names e-mails GitHub cannot. */
export function contributorsOf(change: Change, policy: Policy): Contributors {
  const commits = new Set<number>();
  const pushers = new Set<number>();
  const unknown = new Set<string>();
  const byEmail = namedEmails(policy);
  const seen = new Set<string>();
  let last: Commit | null = null;
  for (const commit of change.commits) {
    const again = last !== null && last.verified === commit.verified && hasSamePeople(last, commit);
    last = commit;
    if (again) continue;
    for (const [person, isCommitter] of peopleOf(commit)) {
      const key = `${person.account?.id ?? ''}/${person.email}/${isCommitter && commit.verified}`;
      // 250 commits are mostly by the same few people: each is looked at once.
      if (seen.has(key)) continue;
      seen.add(key);
      const ids = idsOf(person, byEmail);
      for (const id of ids) commits.add(id);
      if (ids.length === 0 && !isGithub(person, isCommitter, commit) && !isAgent(person, policy)) {
        unknown.add(person.email === '' ? 'a commit without an e-mail' : person.email);
      }
    }
  }
  for (const push of change.pushes) {
    if (push.actor === null) unknown.add('a push without an account (a deploy key)');
    else pushers.add(push.actor.id);
  }
  return { commits, pushers, unknown: [...unknown].sort() };
}

function peopleOf(commit: Commit): readonly (readonly [CommitPerson, boolean])[] {
  return [
    ...commit.authors.map((author) => [author, false] as const),
    [commit.committer, true] as const,
  ];
}

function idsOf(
  person: CommitPerson,
  byEmail: ReadonlyMap<string, readonly number[]>,
): readonly number[] {
  // A name in the policy counts beside GitHub's own answer: more people excluded, never fewer.
  const named = byEmail.get(person.email.trim().toLowerCase()) ?? [];
  return person.account === null ? named : [person.account.id, ...named];
}

function namedEmails(policy: Policy): ReadonlyMap<string, readonly number[]> {
  const map = new Map<string, readonly number[]>();
  for (const person of policy.people) {
    for (const email of person.emails) {
      const key = email.trim().toLowerCase();
      map.set(key, [...(map.get(key) ?? []), person.id]);
    }
  }
  return map;
}

/** GitHub commits for the person who clicked; only its own signature proves that it was GitHub. */
function isGithub(person: CommitPerson, isCommitter: boolean, commit: Commit): boolean {
  return (
    isCommitter && person.email.toLowerCase() === 'noreply@github.com' && commit.verified === true
  );
}

/** An agent's own e-mail hides no reviewer: agents cannot approve. */
function isAgent(person: CommitPerson, policy: Policy): boolean {
  if (agentIndex(policy).byEmail.has(person.email.trim().toLowerCase())) return true;
  return person.account !== null && isAgentAccount(person.account, policy) !== null;
}
