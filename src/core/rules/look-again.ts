/** When a hold that can heal by itself is looked at again: GitHub's lists lag after a merge. */
const STEPS_MS = [2_000, 5_000, 15_000, 60_000] as const;

/** After the first looks, each five minutes. */
const STEADY_MS = 300_000;

/** The first delay; `decide` knows no attempts, so that whoever schedules counts them. */
export const AGAIN_MS: number = STEPS_MS[0];

/** Delay before look number `attempt` (the first is 0), in milliseconds. */
export function lookAgainAfter(attempt: number): number {
  return STEPS_MS[Math.max(0, Math.floor(attempt))] ?? STEADY_MS;
}
