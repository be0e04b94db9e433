/** The changes that every runner is asked about, laid over a history of 10, 20 and 30. */
import { type Entry, forms } from './runner-forms.ts';
import type { Content, Files } from './tree.ts';

const sqlOf = (of: number | string): string => `CREATE TABLE t_${of} (id bigint);\n`;
const downOf = (of: number | string): string => `DROP TABLE t_${of};\n`;

function entry(of: number, name = `m${of}`, sql: string | null = sqlOf(name)): Entry {
  return { of, name, up: sql, down: sql === null || sql === '' ? null : downOf(name) };
}

const HISTORY: readonly Entry[] = [entry(10), entry(20), entry(30)];

export type CaseName =
  | 'late'
  | 'edited'
  | 'deleted'
  | 'duplicate'
  | 'twins'
  | 'gap'
  | 'checksum'
  | 'renamed'
  | 'moved'
  | 'empty'
  | 'down only';

interface Case {
  readonly says: string;
  readonly head: readonly Entry[];
  /** What the change writes of its own: the one file that the question is about. */
  readonly asked: readonly Entry[];
}

const [first, second, third] = [entry(10), entry(20), entry(30)];
const again = entry(20, 'again');
const twins = [entry(40, 'one'), entry(40, 'two')];

export const cases: Readonly<Record<CaseName, Case>> = {
  late: {
    says: 'a new file whose number lies below an applied one',
    head: [first, second, entry(25), third],
    asked: [entry(25)],
  },
  edited: {
    says: 'an applied file with another content',
    head: [first, { ...second, up: 'SELECT 1;\n' }, third],
    asked: [second],
  },
  deleted: { says: 'an applied file that is gone', head: [first, third], asked: [second] },
  duplicate: {
    says: 'a new file with the number of an applied one',
    head: [first, second, again, third],
    asked: [again],
  },
  twins: {
    says: 'two new files with one number',
    head: [...HISTORY, ...twins],
    asked: twins,
  },
  gap: {
    says: 'a new file that leaves numbers out',
    head: [...HISTORY, entry(70)],
    asked: [entry(70)],
  },
  checksum: {
    says: 'a new file whose checksum file was not written anew',
    head: [...HISTORY, entry(40)],
    asked: [entry(40)],
  },
  renamed: {
    says: 'an applied file with the same number and another name',
    head: [first, { ...second, name: 'other' }, third],
    asked: [{ ...second, name: 'other' }],
  },
  moved: {
    says: 'an applied file moved to the end',
    head: [first, third, { ...second, of: 40 }],
    asked: [{ ...second, of: 40 }],
  },
  empty: {
    says: 'a new file without content',
    head: [...HISTORY, entry(40, 'm40', '')],
    asked: [entry(40, 'm40', '')],
  },
  'down only': {
    says: 'a new migration with a down part alone',
    head: [...HISTORY, { ...entry(40), up: null }],
    asked: [{ ...entry(40), up: null }],
  },
};

export interface Trees {
  readonly base: Files;
  readonly head: Files;
  /** The paths that the question is about. */
  readonly asked: readonly string[];
}

/** The two trees of a case as a framework writes them. */
export function treesOf(framework: string, name: CaseName): Trees {
  const form = forms[framework];
  if (form === undefined) throw new Error(`no form for ${framework}`);
  const lay = (entries: readonly Entry[]): Record<string, Content> =>
    Object.assign({}, ...entries.map((each) => form.files(each)));
  const { head, asked } = cases[name];
  // Only a framework with checksums has any to leave as they were.
  const kept = name === 'checksum' ? HISTORY : head;
  return {
    base: { ...lay(HISTORY), ...form.beside?.(HISTORY) },
    head: { ...lay(head), ...form.beside?.(kept) },
    asked: Object.keys(lay(asked)),
  };
}
