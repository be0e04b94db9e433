/** Which environments the jobs of a workflow name, as far as its text tells. */
import { isMap, isScalar, parseDocument } from 'yaml';
import { environmentRule, lookAlike } from '../environments.ts';
import type { ChangedFile } from '../evidence.ts';
import { linesAfter } from '../patch.ts';
import type { Policy } from '../policy.ts';

/** Names of environments, and whether some could not be told: an expression, a broken file. */
interface Named {
  readonly names: readonly string[];
  readonly unsure: boolean;
}

const unknown: Named = { names: [], unsure: true };

function jobEnvironment(job: unknown): Named {
  if (!isMap(job)) return unknown;
  const value = job.get('environment', true);
  if (value === undefined) return { names: [], unsure: false };
  const name = isMap(value) ? value.get('name', true) : value;
  if (!isScalar(name) || typeof name.value !== 'string') return unknown;
  return name.value.includes('${{') ? unknown : { names: [name.value], unsure: false };
}

/** The environments that the jobs of a whole workflow file name. */
function environmentsIn(text: string): Named {
  const document = parseDocument(text, { version: '1.2', schema: 'core', stringKeys: true });
  if (document.errors.length > 0) return unknown;
  const jobs = document.get('jobs', true);
  if (jobs === undefined) return { names: [], unsure: false };
  if (!isMap(jobs)) return unknown;
  const all = jobs.items.map((pair) => jobEnvironment(pair.value));
  return {
    names: all.flatMap(({ names }) => names),
    unsure: all.some(({ unsure }) => unsure),
  };
}

/** Both sides of the file; a side that is not there names nothing, one not read could name any. */
function sides(file: ChangedFile): readonly Named[] {
  const { content, patch, status } = file;
  if (content !== undefined) {
    const needsBefore = status !== 'added';
    const needsAfter = status !== 'removed';
    const side = (text: string | null, needed: boolean): Named => {
      if (text !== null) return environmentsIn(text);
      return needed ? unknown : { names: [], unsure: false };
    };
    return [side(content.before, needsBefore), side(content.after, needsAfter)];
  }
  if (patch === null) return [unknown];
  if (status === 'added') {
    return [
      environmentsIn(
        linesAfter(patch)
          .map(({ text }) => text)
          .join('\n'),
      ),
    ];
  }
  return [unknown];
}

/**
 * The guarded environment that a changed workflow file names before or after, `''` when one could
 * be named but the file does not tell (not read in full, an expression), null when none is.
 */
export function guardedEnvironment(file: ChangedFile, policy: Policy): string | null {
  const named = sides(file);
  const guarded = named
    .flatMap(({ names }) => names)
    .find((name) => environmentRule(policy, name) !== null || lookAlike(policy, name) !== null);
  if (guarded !== undefined) return guarded;
  return named.some(({ unsure }) => unsure) ? '' : null;
}
