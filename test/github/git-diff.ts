/** Reads the output of `git diff-tree --raw --numstat -p` into one record per file. */

export interface FileDiff {
  readonly path: string;
  readonly previousPath: string | null;
  readonly status: 'added' | 'modified' | 'removed' | 'renamed' | 'copied' | 'changed';
  readonly previousBlob: string | null;
  readonly blob: string | null;
  readonly mode: string;
  readonly additions: number;
  readonly deletions: number;
  readonly binary: boolean;
  /** The hunks as GitHub gives them: without the file header; null when there are none. */
  readonly patch: string | null;
}

const statuses = {
  A: 'added',
  M: 'modified',
  D: 'removed',
  R: 'renamed',
  C: 'copied',
  T: 'changed',
} as const;

function isStatus(letter: string): letter is keyof typeof statuses {
  return letter in statuses;
}

/** Git quotes a path that holds control characters, quotes or backslashes. */
function unquote(path: string): string {
  if (!path.startsWith('"')) return path;
  const plain: Record<string, string> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' };
  return path
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (plain[code] ?? code),
    );
}

function hunksOf(section: string): string | null {
  const at = section.search(/^@@ /m);
  return at < 0 ? null : section.slice(at).replace(/\n$/, '');
}

const none = /^0+$/;

export function parseDiff(text: string): FileDiff[] {
  const cut = text.search(/^diff --git /m);
  const head = (cut < 0 ? text : text.slice(0, cut)).split('\n').filter((line) => line !== '');
  const raw = head.filter((line) => line.startsWith(':'));
  const counts = head.filter((line) => !line.startsWith(':'));
  const sections = cut < 0 ? [] : text.slice(cut).split(/^(?=diff --git )/m);
  let at = 0;
  return raw.map((line, index) => {
    const [meta = '', first = '', second] = line.split('\t');
    const [oldMode = '', newMode = '', oldBlob = '', newBlob = '', code = ''] = meta
      .slice(1)
      .split(' ');
    const letter = code.charAt(0);
    const status = isStatus(letter) ? statuses[letter] : 'changed';
    const [added = '0', removed = '0'] = (counts[index] ?? '').split('\t');
    // A change of type (file to symbolic link) is printed as a removal and an addition.
    const taken = sections.slice(at, at + (status === 'changed' ? 2 : 1));
    at += taken.length;
    const hunks = taken.map(hunksOf).filter((hunk) => hunk !== null);
    return {
      path: unquote(second ?? first),
      previousPath: second === undefined ? null : unquote(first),
      status,
      previousBlob: none.test(oldBlob) ? null : oldBlob,
      blob: none.test(newBlob) ? null : newBlob,
      mode: status === 'removed' ? oldMode : newMode,
      additions: added === '-' ? 0 : Number(added),
      deletions: removed === '-' ? 0 : Number(removed),
      binary: added === '-',
      patch: hunks.length === 0 ? null : hunks.join('\n'),
    };
  });
}
