/** Which framework owns which folder; the base branch decides, so a change cannot re-assign it. */
import type { PlanProblem } from '../core/dry-run.ts';
import type { MigrationSettings } from '../core/policy.ts';
import type { Claimed, Found, Framework } from './framework.ts';
import { frameworks } from './frameworks.ts';
import { moved, namedTwice, problem } from './problems.ts';
import { found } from './shared.ts';
import { compareBytes } from './text.ts';
import { isBelow, joinPath, type TreeView } from './tree.ts';

/** A folder with its owner, and how the owner found it in either tree. */
export interface Claim {
  readonly folder: string;
  readonly framework: Framework;
  readonly base: Found | null;
  readonly head: Found | null;
  readonly problems: readonly PlanProblem[];
}

interface Sighting {
  readonly framework: Framework;
  readonly found: Found;
}

const RANK: Readonly<Record<Claimed, number>> = {
  policy: 0,
  config: 1,
  state: 1,
  marker: 2,
  name: 3,
};

export interface Views {
  readonly base: TreeView;
  readonly head: TreeView;
}

export interface Context {
  readonly views: Views;
  readonly changed: ReadonlySet<string>;
  /** All folders that any framework claims, for telling nested ones apart. */
  readonly folders: readonly string[];
}

/** All folders of both trees with their owners, in byte order of their paths. */
export function claimsOf(
  views: Views,
  touched: readonly string[],
  settings: Pick<MigrationSettings, 'folders'>,
): readonly Claim[] {
  const base = sightings(views.base, touched);
  const head = sightings(views.head, touched);
  const listed = (settings.folders ?? []).map((row) => policyClaim(row, base, head));
  const known = new Set(listed.map((claim) => claim.folder));
  const folders = new Set([...base.keys(), ...head.keys()]);
  const seen = [...folders].filter((folder) => !known.has(folder));
  const detected = seen.flatMap((folder) => {
    const claim = detectedClaim(folder, base.get(folder) ?? [], head.get(folder) ?? []);
    return settings.folders === null ? [claim] : unlisted(claim);
  });
  const all = [...listed, ...detected];
  return all
    .filter((claim) => !isGuessWithin(claim, all))
    .map((claim) => ({ ...claim, problems: [...claim.problems, ...steering(claim, base, head)] }))
    .sort((a, b) => compareBytes(a.folder, b.folder));
}

function sightings(
  view: TreeView,
  touched: readonly string[],
): ReadonlyMap<string, readonly Sighting[]> {
  const all = frameworks.flatMap((framework) =>
    framework.find(view, touched).map((each) => ({ framework, found: each })),
  );
  return Map.groupBy(all, (each) => each.found.folder);
}

function policyClaim(
  row: { readonly path: string; readonly framework: string },
  base: ReadonlyMap<string, readonly Sighting[]>,
  head: ReadonlyMap<string, readonly Sighting[]>,
): Claim {
  const folder = joinPath('', row.path) ?? '';
  const framework = frameworks.find((each) => each.name === row.framework);
  if (framework === undefined) return unknownFramework(folder, row.framework);
  const own = (all: ReadonlyMap<string, readonly Sighting[]>): Found => {
    const seen = all.get(folder)?.find((each) => each.framework === framework)?.found;
    return seen === undefined ? found(folder, 'policy') : { ...seen, by: 'policy' };
  };
  return { folder, framework, base: own(base), head: own(head), problems: [] };
}

function unknownFramework(folder: string, name: string): Claim {
  const fallback = frameworks.find((each) => each.name === 'plain') ?? frameworks[0];
  if (fallback === undefined) throw new TypeError('the table of frameworks is empty');
  const names = frameworks.map((each) => each.name).join(', ');
  const message =
    `The policy names the framework ${name} for ${folder}, which is not known. ` +
    `Write one of: ${names}.`;
  const asPlain = found(folder, 'policy');
  const problems = [problem('not-judged', folder, message)];
  return { folder, framework: fallback, base: asPlain, head: asPlain, problems };
}

/** The best claims on a folder; several when they are equally good and not mere guesses. */
function best(all: readonly Sighting[]): readonly Sighting[] {
  const top = Math.min(...all.map((each) => RANK[each.found.by]));
  const equal = all.filter((each) => RANK[each.found.by] === top);
  return top >= RANK.name ? equal.slice(0, 1) : equal;
}

function detectedClaim(
  folder: string,
  base: readonly Sighting[],
  head: readonly Sighting[],
): Claim {
  const before = best(base);
  const now = best(head);
  const owner = (before[0] ?? now[0])?.framework;
  if (owner === undefined) throw new TypeError(`nothing claims ${folder}`);
  const names = [...new Set([...before, ...now].map((each) => each.framework.title))];
  const of = (all: readonly Sighting[]): Found | null =>
    all.find((each) => each.framework === owner)?.found ?? null;
  const problems = names.length > 1 ? [namedTwice(folder, names)] : [];
  return { folder, framework: owner, base: of(base), head: of(head), problems };
}

/** A guess from names inside a folder that another framework surely owns: that one's strays. */
function isGuessWithin(claim: Claim, all: readonly Claim[]): boolean {
  if (RANK[surest(claim)] < RANK.name || claim.framework.name !== 'plain') return false;
  return all.some(
    (other) =>
      other.folder !== '' &&
      other.folder !== claim.folder &&
      RANK[surest(other)] < RANK.marker &&
      isBelow(claim.folder, other.folder),
  );
}

function surest(claim: Claim): Claimed {
  return (claim.base ?? claim.head)?.by ?? 'name';
}

/** A folder that a policy's list leaves out: only what is surely one of migrations counts. */
function unlisted(claim: Claim): readonly Claim[] {
  // SQL that was only guessed at is named by unclaimedSql; code has no other place to be named.
  const isCode = claim.framework.mayOwn !== undefined;
  if (RANK[surest(claim)] >= RANK.marker && !isCode) return [];
  const message =
    `${claim.folder} holds ${claim.framework.title} migrations and the policy's migrations.folders ` +
    'does not list it. Add it to the list in the policy on the default branch.';
  const problems = [...claim.problems, problem('not-judged', claim.folder, message)];
  return [{ ...claim, problems }];
}

/** A configuration file that names or steers a folder otherwise after the change. */
function steering(
  claim: Claim,
  base: ReadonlyMap<string, readonly Sighting[]>,
  head: ReadonlyMap<string, readonly Sighting[]>,
): readonly PlanProblem[] {
  const sources = new Set(claim.base?.sources ?? []);
  return [...sources]
    .filter((source) => meaning(base, source, claim) !== meaning(head, source, claim))
    .sort(compareBytes)
    .map((source) => moved(claim.framework, source, claim.folder));
}

/** Everything that a configuration file says, as one text to compare. */
function meaning(
  all: ReadonlyMap<string, readonly Sighting[]>,
  source: string,
  claim: Claim,
): string {
  const said = [...all.values()]
    .flat()
    .filter((each) => each.framework === claim.framework && each.found.sources.includes(source))
    .map(({ found: { folder, dialect, options } }) => JSON.stringify([folder, dialect, options]));
  return said.sort(compareBytes).join('\n');
}
