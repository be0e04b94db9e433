/** The gatherer for installations of the GitHub App: reads a locator into Evidence, and never writes. */
import { TagoutError } from '../core/errors.ts';
import type { Evidence } from '../core/evidence.ts';
import type { DryRunAt, Expandable, Gather, Memory } from '../core/ports.ts';
import type { Locator, RepoRef } from '../core/subject.ts';
import { type Clock, type OctokitFor, readClient } from './clients.ts';
import type { DryRunParts } from './dry-run.ts';
import { expandLocator, stillOpen } from './expand.ts';
import { gatherDeployment, gatherExternal } from './gather-deployment.ts';
import { gatherGroup } from './gather-group.ts';
import { gatherMerge, type MergeAsked, type SeenMerge } from './gather-merge.ts';
import { gatherPull, type GatherParts } from './gather-pull.ts';
import { urgencyOf } from './limits.ts';
import type { Reading } from './reading.ts';
import { TreeCache } from './trees.ts';

export interface GatherSettings extends DryRunParts {
  readonly octokitFor: OctokitFor;
  readonly memory: Memory;
  /** Our own clock, for answers of GitHub without a `Date`. */
  readonly now?: Clock;
}

export interface GitHubGather extends Gather {
  /** What is read of a merge past the gate; null when there is none. */
  readonly readMerge: (asked: MergeAsked) => Promise<SeenMerge | null>;
}

/**
 * Makes the gatherer. Throws TagoutError from its methods: 'github-unavailable' and 'github-limited'
 * (GitHubFault, with what to wait) when it has to be tried again, 'github-refused' when the App has
 * not the permission, 'sandbox-unavailable' when there is nothing to run a migration in.
 */
export function createGather(settings: GatherSettings): GitHubGather {
  const trees = new TreeCache();
  const parts: GatherParts = {
    runDry: settings.runDry,
    planMigrations: settings.planMigrations,
    floorsSeen: new Set(),
  };
  const now = settings.now ?? Date.now;
  const openAt = async (repo: RepoRef, kind: Expandable['kind']): Promise<Reading> => {
    const octokit = await settings.octokitFor(repo.installationId, urgencyOf(kind));
    const client = readClient(octokit, now);
    return { repo, client, memory: settings.memory, trees, gaps: [] };
  };
  const open = (locator: Locator): Promise<Reading> => openAt(locator.repo, locator.kind);
  return {
    expand: async (locator) => {
      if (locator.kind !== 'approvals') return expandLocator(await open(locator), locator);
      const found = (await settings.memory.reviewed?.(locator)) ?? [];
      return stillOpen(found, (repo) => openAt(repo, locator.kind));
    },
    read: async (locator, onDryRun) =>
      readLocator({ ...(await open(locator)), ...told(onDryRun) }, parts, locator),
    async readMerge(asked) {
      const { repo, number } = asked;
      return gatherMerge(await open({ kind: 'pull-request', repo, number }), parts, asked);
    },
  };
}

function told(onDryRun: ((at: DryRunAt) => void) | undefined): Pick<Reading, 'onDryRun'> {
  return onDryRun === undefined ? {} : { onDryRun };
}

async function readLocator(
  reading: Reading,
  parts: GatherParts,
  locator: Locator,
): Promise<Evidence | null> {
  switch (locator.kind) {
    case 'pull-request':
      return gatherPull(reading, parts, locator);
    case 'deployment':
      return gatherDeployment(reading, parts, locator);
    case 'external':
      return gatherExternal(reading, parts, locator);
    case 'merge-group':
      return gatherGroup(reading, parts, locator);
    case 'commit':
    case 'repository':
      throw new TagoutError('internal', `a ${locator.kind} is expanded before it is read`);
  }
}
