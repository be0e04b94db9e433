/** What was said, since a release by break glass, about the pull requests that it brought. */
import type { SaidOf, SaidSince } from '../core/glass-review.ts';
import type { Memory } from '../core/ports.ts';
import type { Policy } from '../core/policy.ts';
import type { RepoRef } from '../core/subject.ts';
import { type Clock, type OctokitFor, readClient } from './clients.ts';
import { urgencyOf } from './limits.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { POLICY_EXPRESSION } from './policy-files.ts';
import { readPull } from './pull-facts.ts';
import { noteGap, type Reading } from './reading.ts';
import { TreeCache } from './trees.ts';

export interface GlassReadings {
  readonly octokitFor: OctokitFor;
  readonly memory: Memory;
  readonly now: Clock;
}

/** Reads the reviews of these pull requests and the standing of who gave them. Throws GitHubFault. */
export async function readSaidSince(
  { octokitFor, memory, now }: GlassReadings,
  repo: RepoRef,
  asked: { readonly pulls: readonly number[]; readonly policy: Policy },
): Promise<SaidSince> {
  const octokit = await octokitFor(repo.installationId, urgencyOf('pull-request'));
  const client = readClient(octokit, now);
  const reading: Reading = { repo, client, memory, trees: new TreeCache(), gaps: [] };
  const pulls = new Map<number, SaidOf>();
  let readAtMs = 0;
  for (const number of asked.pulls) {
    const wish = { policyPath: POLICY_EXPRESSION, withOpen: false };
    const { atMs, facts } = await readPull(reading, number, wish);
    readAtMs = Math.max(readAtMs, atMs);
    const postings = await memory.postings(repo, number);
    if (facts === null) {
      const detail = `Pull request #${number} is not there any more, so its reviews cannot be read.`;
      noteGap(reading, { what: 'pull request', why: 'missing', detail });
    } else pulls.set(number, { reviews: facts.reviews, postings });
  }
  const reviewers = reviewersOf([...pulls.values()].flatMap(({ reviews }) => reviews));
  const unique = [...new Map(reviewers.map((one) => [one.id, one])).values()];
  const people = await readPeople(reading, unique, teamsOf(asked.policy));
  return { readAtMs, pulls, people, gaps: reading.gaps };
}
