/** A merge past the gate: its incident, and the issue that tells of everything that is open. */
import type { Effect } from '../core/effect.ts';
import { issueEffect } from '../core/effects.ts';
import type { PastMerge } from '../core/rules/merged-past.ts';
import { locatorKey, type RepoRef } from '../core/subject.ts';
import { bypassIssue, type PastGate } from '../core/words/bypass.ts';
import { type Sql, storeFault, type Tx } from './connect.ts';
import { keepMergeIncident, type SeenAt } from './incidents.ts';
import { fillOutbox } from './record.ts';

export interface KnownMerge {
  readonly merge: PastMerge;
  /** Checks that show a reviewer what was merged, where none does. */
  readonly shows: readonly Effect[];
}

/** Keeps a merge past the gate, in one transaction; people are told once that it is open. */
export async function keepMerge(sql: Sql, at: SeenAt, seen: KnownMerge): Promise<void> {
  const { merge } = seen;
  try {
    await sql.begin(async (tx) => {
      const eventId = await keepMergeIncident(tx, at, merge);
      if (eventId !== null && !merge.reviewed) await tellPeople(tx, at, { ...seen, eventId });
    });
  } catch (error) {
    throw storeFault(error, 'recording a merge past the gate');
  }
}

async function tellPeople(
  tx: Tx,
  { trigger, locator, nowMs }: SeenAt,
  { merge, shows, eventId }: KnownMerge & { readonly eventId: string },
): Promise<void> {
  const { repo } = locator;
  const effects = [issueEffect(repo, bypassIssue(await openIncidents(tx, repo))), ...shows];
  const { pull: number, sha: headSha } = merge;
  const subject = { kind: 'pull-request', repo, number, headSha } as const;
  // A key of its own: what the pull request's last decision still has to write goes on.
  const key = `${locatorKey(locator)}:merge`;
  const about = { key, eventId, nowMs, traceparent: null };
  await fillOutbox(tx, { trigger, locator, effects, evidence: { subject } }, about);
}

async function openIncidents(tx: Tx, repo: RepoRef): Promise<readonly PastGate[]> {
  return tx<PastGate[]>`
    select case when code = 'bypass' then 'deployment' else 'merge' end as what, detail,
      since_ms as "atMs"
    from tagout.incident where installation_id = ${repo.installationId} and repo_id = ${repo.id}
      and closed_at_ms is null`;
}
