/** Said wherever only the merge is held: in the check, in the report and by `doctor`. */

/** The finding of the posture that says so; the memory knows the state by it. */
export const MERGE_GATE_ONLY_ID = 'merge-gate-only';

/** What is not held, why, who can change it and how. */
export const MERGE_GATE_ONLY: string =
  'Nothing holds a deployment of this repository: it is private, GitHub gives protection rules to ' +
  'private repositories with GitHub Enterprise only, and none of ours is enabled. With such a plan ' +
  'an administrator enables the rule in the settings of each environment; on any other the ' +
  'pipeline asks by itself, with `npx tagout wait`, before it deploys.';
