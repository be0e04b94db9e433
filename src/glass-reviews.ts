/** Reviews afterwards: what a review of a merged pull request says about a release by break glass. */
import { effectivePolicy } from './core/effective-policy.ts';
import { reviewsAfterGlass } from './core/glass-review.ts';
import type { Locator, Trigger } from './core/subject.ts';
import { type GlassReadings, readSaidSince } from './github/glass-review.ts';
import type { Sql } from './store/connect.ts';
import { keepGlassReviews, readOpenGlass } from './store/glass.ts';

/**
 * Looks whether a merged pull request came to production by break glass and has been reviewed
 * since; if so, the record says by whom. Throws TagoutError when it could not be read: the caller
 * tries again, and until then the report shows the review as open.
 */
export function createGlassReviews(
  parts: GlassReadings & { readonly sql: Sql },
): (trigger: Trigger, locator: Locator) => Promise<void> {
  const { sql, now } = parts;
  return async ({ delivery }, locator) => {
    if (locator.kind !== 'pull-request') return;
    const { repo, number: pull } = locator;
    for (const one of await readOpenGlass(sql, { repo, pull, nowMs: now() })) {
      const { evidence, decision, releasedAtMs } = one;
      if (evidence === null) continue;
      const { policy } = effectivePolicy(evidence.policy);
      const pulls = evidence.changes.flatMap((change) => change.pull ?? []);
      const since = await readSaidSince(parts, repo, { pulls, policy });
      const about = { repo, delivery, decision, nowMs: now() };
      await keepGlassReviews(sql, about, reviewsAfterGlass(evidence, releasedAtMs, since));
    }
  };
}
