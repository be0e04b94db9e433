/** The changesets of a formatted SQL file, with what the comment lines say about each. */
import { linesOf } from './text.ts';

export interface Changeset {
  /** `author:id`. */
  readonly id: string;
  readonly sql: string;
  readonly firstLine: number;
  readonly down: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  /** What makes the outcome depend on things outside the repository; null when nothing does. */
  readonly unknown: string | null;
}

const START = /^\s*--\s*changeset\s+("[^"]*"|[^:\s]+):("[^"]*"|\S+)(.*)$/i;
const ROLLBACK = /^\s*--\s*rollback\b(.*)$/i;
const CONDITION = /^\s*--\s*(?:preconditions?|precondition-[\w-]+|property)\b/i;

/** Changesets in the order of the file. */
export function changesetsIn(text: string): readonly Changeset[] {
  const lines = linesOf(text);
  const starts = lines.flatMap((line, index) => {
    const match = START.exec(line.text);
    return match === null ? [] : [{ index, line, match }];
  });
  return starts.map(({ index, line, match }, place) => {
    const next = starts[place + 1];
    const body = lines.slice(index + 1, next?.index ?? lines.length);
    const end = next?.line.start ?? text.length;
    const [, author = '', id = '', rest = ''] = match;
    const attributes = attributesOf(rest);
    const rollback = body.flatMap((each) => {
      const words = ROLLBACK.exec(each.text)?.[1];
      return words === undefined ? [] : [words.trim()];
    });
    return {
      id: `${author.replaceAll('"', '')}:${id.replaceAll('"', '')}`,
      sql: text.slice(line.end, end),
      firstLine: line.number + 1,
      down: rollback.length === 0 ? null : rollback.join('\n'),
      attributes,
      unknown: unknownIn(
        attributes,
        body.map((each) => each.text),
      ),
    };
  });
}

function attributesOf(rest: string): Readonly<Record<string, string>> {
  const pairs = [...rest.matchAll(/([\w-]+):("[^"]*"|\S+)/g)].map(([, key = '', value = '']) => {
    return [key, value.replaceAll('"', '')] as const;
  });
  return Object.fromEntries(pairs);
}

function unknownIn(
  attributes: Readonly<Record<string, string>>,
  lines: readonly string[],
): string | null {
  const named = ['context', 'contextFilter', 'labels', 'endDelimiter', 'failOnError'].find(
    (key) => {
      return attributes[key] !== undefined;
    },
  );
  if (named !== undefined) return `the attribute ${named}`;
  const dbms = attributes['dbms'];
  if (dbms !== undefined && !/^postgres(?:ql)?$/i.test(dbms)) return `the attribute dbms:${dbms}`;
  if (lines.some((line) => CONDITION.test(line))) return 'preconditions or properties';
  return lines.some((line) => /\$\{[\w.-]+\}/.test(line)) ? 'a parameter ${…}' : null;
}
