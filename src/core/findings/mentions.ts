/** Findings from the base branch's code: it still names what the change drops or renames. */
import type { Change, Mention } from '../evidence.ts';
import type { Finding } from '../findings.ts';
import { namesToLookFor } from '../mentions.ts';
import { counted, makeFinding } from './make.ts';

/** Places that a sentence names; the others are counted. */
const MAX_NAMED = 5;

function placesOf(mentions: readonly Mention[]): readonly string[] {
  return [...new Set(mentions.map(({ path, line }) => `${path}:${line}`))].toSorted();
}

/**
 * One finding per object. Only objects that the dry run dropped or renamed count. Where the code
 * stands is no figure: the base branch moves, and an approval must not end with it.
 */
export function findMentions({ mentions, dryRun, files }: Change): readonly Finding[] {
  if (mentions === undefined || mentions.length === 0) return [];
  const removed = new Set(
    files.filter(({ status }) => status === 'removed').map(({ path }) => path),
  );
  return namesToLookFor(dryRun).flatMap((object) => {
    const own = mentions.filter((one) => one.object === object && !removed.has(one.path));
    const [first] = own;
    if (first === undefined) return [];
    const places = placesOf(own);
    const left = places.length - MAX_NAMED;
    const more = left > 0 ? ` and ${counted(left, 'more place')}` : '';
    return [
      makeFinding({
        id: 'still-named',
        radius: 'high',
        object,
        message: `Code that runs now still names ${object}: ${places.slice(0, MAX_NAMED).join(', ')}${more}`,
        evidence: 'code of the base branch',
        path: first.path,
        line: first.line,
      }),
    ];
  });
}
