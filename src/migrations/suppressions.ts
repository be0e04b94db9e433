/** Comments that switch a linter off: they have no effect here, and the reader should see them. */
import type { PlanProblem } from '../core/dry-run.ts';
import type { Migration } from './framework.ts';
import { commentsOf } from './lexer.ts';
import { problem } from './problems.ts';
import { lineAt } from './text.ts';
import type { TreeView } from './tree.ts';

const SUPPRESSION =
  /squawk-(?:ignore|disable)(?:-file|-next-statement)?|atlas:nolint|pgfence[-:](?:ignore|disable)|(?:migration-?pilot|mp)-(?:disable|ignore)|eugene:\s*ignore|sqlfluff:\s*(?:disable|noqa)|--\s*noqa\b|safety[-_]assured|pg-?lint[-:](?:ignore|disable)|schemalint[-:]ignore|sql-lint-disable|plpgsql_check:\s*disable/i;

/** One advice per comment in the files that the change adds. */
export function suppressions(
  pending: readonly Migration[],
  view: TreeView,
): readonly PlanProblem[] {
  const paths = new Set(pending.map((entry) => entry.path));
  return [...paths].flatMap((path) => {
    const decoded = view.text(path);
    if (decoded?.ok !== true || !SUPPRESSION.test(decoded.text)) return [];
    return commentsOf(decoded.text).flatMap((comment) => {
      const match = SUPPRESSION.exec(comment.text);
      if (match === null) return [];
      const line = lineAt(decoded.text, comment.start + match.index);
      const message =
        `${path} has the comment ${match[0]}, which tells a linter to look away. It changes ` +
        'nothing here; a reviewer should ask why it is needed.';
      return [problem('suppression-added', path, message, line)];
    });
  });
}
