/** Evidence of an open pull request. */
import { effectivePolicy } from '../core/effective-policy.ts';
import type { Change, Evidence, PolicySources, Standing } from '../core/evidence.ts';
import { type Locator, locatorKey } from '../core/subject.ts';
import { readActivity } from './activity.ts';
import { changeOf, checkCommits, readViaApp } from './change.ts';
import type { ChangeFiles } from './change-files.ts';
import { dryRunOf, likelyFiles, type DryRunParts, type TwoTrees } from './dry-run.ts';
import { readEligible, type Writers } from './eligible.ts';
import { type Ends, readEnds } from './ends.ts';
import { knownAgents } from './involved.ts';
import { readMentions } from './mentions.ts';
import { mergeTrees } from './merge-trees.ts';
import { settleMerged } from './settle.ts';
import { readPeople, reviewersOf, teamsOf } from './people.ts';
import { type FloorsSeen, POLICY_EXPRESSION, policySources } from './policy-files.ts';
import { type PullAnswer, readPull } from './pull-facts.ts';
import type { OpenHeads, PullFacts } from './pull-shapes.ts';
import { readPushes } from './pushes.ts';
import { noteGap, type Reading } from './reading.ts';
import { readSameHead } from './same-head.ts';
import { sourceTree } from './trees.ts';

export interface GatherParts extends DryRunParts {
  readonly floorsSeen: FloorsSeen;
}

type PullLocator = Extract<Locator, { kind: 'pull-request' }>;

/** An open pull request with everything that was read beside it. */
export interface OpenPull {
  readonly atMs: number;
  readonly defaultBranch: string;
  readonly sources: PolicySources;
  readonly change: Change;
  readonly people: readonly Standing[];
  /** The first page of all open pull requests with their heads. */
  readonly open: OpenHeads;
  readonly writers: Writers | null;
}

/** Reads an open pull request; null when there is none of this number that is open. */
export async function gatherPull(
  reading: Reading,
  parts: GatherParts,
  locator: PullLocator,
): Promise<Evidence | null> {
  const { repo, number } = locator;
  const answer = await readNow(reading, number);
  if (answer.facts?.pull.state === 'MERGED') await settleMerged(reading, number, answer.facts);
  const open = await openPullOf(reading, parts, number, answer);
  if (open === null) return null;
  const { atMs, defaultBranch, sources, change } = open;
  const others = await readSameHead(reading, open, (one) => readOpenPull(reading, parts, one));
  const changes = [change, ...others.map((other) => other.change)];
  const { pageInfo, nodes } = open.open;
  const authors = nodes.map(({ author }) => author);
  const { policy } = effectivePolicy(sources);
  const eligible = await readEligible(reading, open.writers, teamsOf(policy));
  const activity = await readActivity(reading, {
    policy,
    changes,
    open: { complete: !pageInfo.hasNextPage, authors },
    exceptKey: locatorKey(locator),
    nowMs: atMs,
  });
  const people = new Map(
    [open, ...others].flatMap((one) => one.people).map((one) => [one.id, one]),
  );
  return {
    v: 1,
    subject: { kind: 'pull-request', repo, number, headSha: change.headSha },
    readAtMs: atMs,
    defaultBranch,
    policy: sources,
    changes,
    deployment: null,
    people: [...people.values()],
    ...eligible,
    ...((await reading.memory.mergeGateOnly?.(repo)) === true ? { mergeGateOnly: true } : {}),
    ...activity,
    suspended: await reading.memory.suspended(repo.installationId),
    gaps: reading.gaps,
  };
}

/** Reads an open pull request with its policy and its dry run; null when it is not open. */
export async function readOpenPull(
  reading: Reading,
  parts: GatherParts,
  number: number,
): Promise<OpenPull | null> {
  return openPullOf(reading, parts, number, await readNow(reading, number));
}

function readNow(reading: Reading, number: number): Promise<PullAnswer> {
  return readPull(reading, number, { policyPath: POLICY_EXPRESSION, withOpen: true });
}

async function openPullOf(
  reading: Reading,
  parts: GatherParts,
  number: number,
  { atMs, policy: policyFacts, facts, ...beside }: PullAnswer,
): Promise<OpenPull | null> {
  if (facts === null || facts.pull.state !== 'OPEN') return null;
  const baseSha = baseTip(reading, number, facts);
  const [ends, pushes, viaApp] = await Promise.all([
    readEnds(reading, number, { baseSha, headSha: facts.pull.headRefOid }),
    readPushes(reading, number, facts),
    readViaApp(reading, number),
  ]);
  checkCommits(reading, number, { facts, comparison: ends.comparison });
  const base = { ref: facts.pull.baseRefName, commitSha: baseSha, entries: ends.base };
  const sources = await policySources(reading, policyFacts, base, parts.floorsSeen);
  const { policy } = effectivePolicy(sources);
  const trees = await mergedTrees(reading, ends);
  const likely = likelyFiles(trees, pathsOf(ends.files));
  const people = await readPeople(reading, reviewersOf(facts.reviews), teamsOf(policy), likely);
  const { headRefOid } = facts.pull;
  const withHead = { ...trees, heads: [headRefOid], openHead: headRefOid };
  const dryRun = await dryRunOf(reading, parts, withHead, policy.migrations);
  const agents = knownAgents(policy);
  const mentions = await readMentions(reading, dryRun, ends.base);
  const { comparison, files } = ends;
  const facets = { comparison, files, pushes, viaApp, agents, dryRun, mentions };
  const change = await changeOf(reading, { number, facts, baseSha, ...facets });
  const defaultBranch = policyFacts.repository.defaultBranchRef?.name ?? '';
  const open = beside.open ?? { pageInfo: { hasNextPage: false }, nodes: [] };
  const { writers } = beside;
  return { atMs, defaultBranch, sources, change, people, open, writers };
}

function pathsOf({ files }: ChangeFiles): readonly string[] {
  return files.flatMap(({ path, previousPath }) =>
    previousPath === null ? [path] : [path, previousPath],
  );
}

/** The tip of the base branch now. A branch that is gone leaves the last known one, and a gap. */
function baseTip(reading: Reading, number: number, { pull }: PullFacts): string {
  const tip = pull.baseRef?.target?.oid;
  if (tip !== undefined) return tip;
  noteGap(reading, {
    what: 'base branch',
    why: 'missing',
    detail: `The base branch ${pull.baseRefName} of pull request #${number} is not there; choose another base.`,
  });
  return pull.baseRefOid;
}

/** The base's tip, and the same with the pull request merged onto it: what would be deployed. */
export async function mergedTrees(reading: Reading, { files, base }: Ends): Promise<TwoTrees> {
  const three = { base: files.mergeBase, ours: base, theirs: files.head };
  const merged = await mergeTrees(reading, three);
  if (merged.made.size > 0) await reading.memory.keepBlobs(merged.made);
  return { base: sourceTree(reading, base), head: sourceTree(reading, merged.entries) };
}
