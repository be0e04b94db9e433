/** How the doctor's findings about this machine are made. */
import type { PostureFinding } from '../../core/posture.ts';

/** A finding; without a place there is nothing to mend. */
export function finding(
  id: string,
  level: PostureFinding['level'],
  about: string,
  text: { readonly says: string; readonly place?: string; readonly command?: string },
): PostureFinding {
  const { says, place, command } = text;
  const mend = place === undefined ? null : { place, command: command ?? null };
  return { id, level, about, says, mend };
}
