/** The people whom a commit names. */
import type { Account, Commit, CommitPerson } from './evidence.ts';

/** Authors and co-authors, then the committer. */
export function peopleOfCommit({ authors, committer }: Commit): readonly CommitPerson[] {
  return [...authors, committer];
}

function isSameAccount(one: Account | null, other: Account | null): boolean {
  if (one === null || other === null) return one === other;
  return one.id === other.id && one.login === other.login && one.type === other.type;
}

function isSamePerson(one: CommitPerson, other: CommitPerson): boolean {
  return (
    one.email === other.email &&
    one.name === other.name &&
    isSameAccount(one.account, other.account)
  );
}

/** Whether two commits name the same people in the same order, as most neighbours do. */
export function hasSamePeople(one: Commit, other: Commit): boolean {
  return (
    one.authors.length === other.authors.length &&
    isSamePerson(one.committer, other.committer) &&
    one.authors.every((author, at) => {
      const same = other.authors[at];
      return same !== undefined && isSamePerson(author, same);
    })
  );
}
