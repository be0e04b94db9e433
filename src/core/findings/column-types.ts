/** Whether a column's new type can hold every value of the old one. */

interface TypeName {
  readonly name: string;
  readonly figures: readonly number[];
}

/** The type at the start of a column's definition, without `not null` and what follows. */
export function typeIn(definition: string): string {
  return definition.replace(/ (?:not null|collate|generated)\b.*$/s, '').trim();
}

function parse(type: string): TypeName {
  const found = /^([^(]*)(?:\(([\d, -]+)\))?(.*)$/.exec(type);
  const name = `${(found?.[1] ?? type).trim()}${found?.[3] ?? ''}`;
  return { name, figures: (found?.[2] ?? '').split(',').filter(Boolean).map(Number) };
}

/** Each list from the narrowest to the widest. */
const ladders: readonly (readonly string[])[] = [
  ['smallint', 'integer', 'bigint', 'numeric'],
  ['real', 'double precision'],
  ['character', 'character varying', 'text'],
  ['date', 'timestamp without time zone'],
  ['inet', 'text'],
  ['cidr', 'inet'],
  ['json', 'text'],
  ['uuid', 'text'],
];

/** A length or precision that is not given has no limit. */
function fits(from: readonly number[], to: readonly number[]): boolean {
  if (to.length === 0) return true;
  const [precision = Infinity, scale = 0] = from;
  const [newPrecision = Infinity, newScale = 0] = to;
  return newScale >= scale && newPrecision - newScale >= precision - scale;
}

/** True only for changes that are known to keep every value; all others count as narrowing. */
export function keepsEveryValue(before: string, after: string): boolean {
  const from = parse(typeIn(before));
  const to = parse(typeIn(after));
  if (from.name === to.name) return fits(from.figures, to.figures);
  const ladder = ladders.find((steps) => steps.includes(from.name) && steps.includes(to.name));
  if (ladder === undefined || ladder.indexOf(from.name) > ladder.indexOf(to.name)) return false;
  return (
    to.figures.length === 0 ||
    (to.name.startsWith('character') && fits(from.figures, to.figures) && from.figures.length > 0)
  );
}
