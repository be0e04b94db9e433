/** Compares two catalogs. Pure. */
import type { ObjectChange } from '../core/dry-run.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';

interface Pair {
  readonly before: CatalogEntry | null;
  readonly after: CatalogEntry | null;
}

/** Pairs by identity first, so that a rename is one object, then by kind and name. */
function pairs(before: Catalog, after: Catalog): readonly Pair[] {
  const key = (entry: CatalogEntry): string => `${entry.kind} ${entry.id}`;
  const named = (entry: CatalogEntry): string => `${entry.kind} ${entry.name}`;
  const later = new Map(after.entries.map((entry) => [key(entry), entry]));
  const found: Pair[] = [];
  const gone: CatalogEntry[] = [];
  for (const entry of before.entries) {
    const same = later.get(key(entry));
    if (same === undefined) gone.push(entry);
    else found.push({ before: entry, after: same });
    later.delete(key(entry));
  }
  const fresh = new Map([...later.values()].map((entry) => [named(entry), entry]));
  for (const entry of gone) {
    const remade = fresh.get(named(entry)) ?? null;
    found.push({ before: entry, after: remade });
    if (remade !== null) later.delete(key(remade));
  }
  for (const entry of later.values()) found.push({ before: null, after: entry });
  return found;
}

/** What every new object has anyway: an owner, the default grants, no row security. */
function isDefault(entry: CatalogEntry): boolean {
  if (entry.kind === 'owner' || entry.kind === 'comment') return true;
  if (entry.kind === 'row-security') return entry.definition === 'disabled';
  if (entry.kind !== 'grant' || !entry.name.endsWith(' to public')) return false;
  return entry.definition === 'EXECUTE' || entry.definition === 'USAGE';
}

function changeOf(pair: Pair, parents: { gone: Set<string>; fresh: Set<string> }): ObjectChange[] {
  const { before, after } = pair;
  if (before === null && after !== null) {
    const whole = after.parent !== null && parents.fresh.has(after.parent);
    if (whole && isDefault(after)) return [];
    const { kind, name: object, definition } = after;
    return [{ kind, object, change: 'added', before: null, after: definition }];
  }
  if (before === null) return [];
  const { kind, name: object, definition } = before;
  if (after === null) {
    const whole = before.parent !== null && parents.gone.has(before.parent);
    if (whole && (isDefault(before) || kind === 'row-security')) return [];
    return [{ kind, object, change: 'removed', before: definition, after: null }];
  }
  const changes: ObjectChange[] = [];
  if (last(before) !== last(after) && !FOLLOWERS.has(kind)) {
    const renamed = `renamed to ${after.name}`;
    changes.push({ kind, object, change: 'changed', before: before.name, after: renamed });
  }
  if (before.digest !== after.digest && !(kind === 'column' && definition === after.definition)) {
    const now = after.name;
    changes.push({
      kind,
      object: now,
      change: 'changed',
      before: definition,
      after: after.definition,
    });
  }
  return changes;
}

/** Kinds whose names only repeat another object's name. */
const FOLLOWERS: ReadonlySet<string> = new Set([
  'default',
  'owner',
  'grant',
  'row-security',
  'comment',
]);

/** The part of a name that is the object's own: a renamed table does not rename its columns. */
function last(entry: CatalogEntry): string {
  const dotted = entry.kind === 'column' || entry.kind === 'constraint' || entry.kind === 'trigger';
  const own = dotted || entry.kind === 'policy';
  return own ? entry.name.slice(entry.name.lastIndexOf('.') + 1) : entry.name;
}

/** Every difference, objects in the order of their kinds and names. */
export function differences(before: Catalog, after: Catalog): readonly ObjectChange[] {
  const all = pairs(before, after);
  const gone = new Set(all.flatMap((p) => (p.before && p.after === null ? [p.before.id] : [])));
  const fresh = new Set(all.flatMap((p) => (p.after && p.before === null ? [p.after.id] : [])));
  return all
    .flatMap((pair) => changeOf(pair, { gone, fresh }))
    .toSorted((a, b) => (`${a.kind} ${a.object}` < `${b.kind} ${b.object}` ? -1 : 1));
}

/**
 * Sequences that would give out values again: by identity, else by name. One that only went on is no
 * difference, as that is what sequences are for.
 */
export function sequenceResets(before: Catalog, after: Catalog): readonly ObjectChange[] {
  const byOid = new Map(after.sequences.map((sequence) => [sequence.oid, sequence]));
  const byName = new Map(after.sequences.map((sequence) => [sequence.name, sequence]));
  return before.sequences.flatMap((was): ObjectChange[] => {
    const now = byOid.get(was.oid) ?? byName.get(was.name);
    if (now === undefined || was.last === null || !goesBack(was, now.last)) return [];
    const told = (last: string | null): string =>
      last === null ? 'no value given out' : `last value ${last}`;
    const values = { before: told(was.last), after: told(now.last) };
    return [{ kind: 'sequence', object: now.name, change: 'changed', ...values }];
  });
}

function goesBack(was: Catalog['sequences'][number], now: string | null): boolean {
  if (now === null || was.last === null) return true;
  return was.increment > 0 ? BigInt(now) < BigInt(was.last) : BigInt(now) > BigInt(was.last);
}
