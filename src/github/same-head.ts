/**
 * A check stands on a commit and not on a pull request: whoever opens a second one with the same
 * head, to another base or without the reviews, would otherwise share the first one's green check.
 */
import { openPulls } from './expand.ts';
import type { OpenPull } from './gather-pull.ts';
import { noteGap, type Reading } from './reading.ts';

/** More pull requests with one head are nobody's honest work. */
const MAX_OTHERS = 9;

/** The other open pull requests with this head, each read like the first, by number. */
export async function readSameHead(
  reading: Reading,
  first: OpenPull,
  read: (number: number) => Promise<OpenPull | null>,
): Promise<readonly OpenPull[]> {
  const numbers = await othersOf(reading, first);
  if (numbers.length > MAX_OTHERS) {
    noteGap(reading, {
      what: 'pull requests with this head',
      why: 'truncated',
      detail: `More than ${MAX_OTHERS + 1} open pull requests have the head ${first.change.headSha.slice(0, 12)}; close all but one.`,
      cure: 'Somebody with write access closes all but one of them.',
    });
  }
  const others: OpenPull[] = [];
  for (const number of numbers.slice(0, MAX_OTHERS)) {
    const other = await read(number);
    if (other !== null && other.change.headSha === first.change.headSha) others.push(other);
  }
  checkPolicies(reading, [first, ...others]);
  return others;
}

async function othersOf(reading: Reading, first: OpenPull): Promise<readonly number[]> {
  const { headSha, pull } = first.change;
  const isSame = (sha: string): boolean => sha === headSha;
  const { pageInfo, nodes } = first.open;
  const here = nodes.filter((node) => isSame(node.headRefOid)).map(({ number }) => number);
  const cursor = pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null;
  const later = cursor === null ? [] : await openPulls(reading, isSame, cursor);
  const numbers = new Set([...here, ...later.map(({ number }) => number)]);
  return [...numbers].filter((number) => number !== pull).sort((one, two) => one - two);
}

/** The base branches' files can only tighten; where they differ, no single one speaks for all. */
function checkPolicies(reading: Reading, pulls: readonly OpenPull[]): void {
  const files = new Set(pulls.map(({ sources }) => tightening(sources)));
  if (files.size < 2) return;
  const names = pulls
    .map(({ change }) => change.pull ?? 0)
    .sort((one, two) => one - two)
    .map((number) => `#${number}`);
  noteGap(reading, {
    what: 'policy',
    why: 'differs',
    detail: `The pull requests ${names.join(', ')} have one head and go to branches whose policy files differ; close all but one of them.`,
    cure: `Somebody with write access closes all but one of ${names.join(', ')}, or makes the policy files of their base branches equal.`,
  });
}

/** What the base branch's file adds; one that equals the default branch's adds nothing. */
function tightening({ base, repository }: OpenPull['sources']): string {
  const text = base?.text ?? '';
  return text === (repository.text ?? '') ? '' : text;
}
