/**
 * Cuts the output of `git diff-tree -p` into one patch per section, while it streams, so that a
 * huge change costs time and not memory.
 */

/** A patch longer than this is left out (as GitHub leaves it out); its lines are still counted. */
const MAX_PATCH_BYTES = 1024 * 1024;
/** All patches together; what comes after has no patch and is a gap. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

export interface Section {
  readonly additions: number;
  readonly deletions: number;
  /** The hunks as text; null when they are too long or hold a NUL (binary content). */
  readonly patch: string | null;
}

interface Open {
  additions: number;
  deletions: number;
  kept: Buffer[];
  keptBytes: number;
  tooLong: boolean;
  binary: boolean;
  inHunks: boolean;
}

export interface PatchReader {
  /** Takes a piece of output; false: enough, end the program. */
  take(chunk: Buffer): boolean;
  finish(): { readonly sections: readonly Section[]; readonly cut: boolean };
}

const HEADER = Buffer.from('diff --git ');
const NEWLINE = 10;

/** Every line inside a hunk begins with one of ` +-\@`, so a header line cannot be forged. */
export function patchReader(): PatchReader {
  const sections: Section[] = [];
  let open: Open | null = null;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let totalBytes = 0;

  const close = (): void => {
    if (open !== null) sections.push(section(open));
    open = null;
  };
  const line = (text: Buffer): void => {
    if (text.subarray(0, HEADER.length).equals(HEADER)) {
      close();
      open = newOpen();
    } else if (open !== null) addLine(open, text);
  };
  return {
    take(chunk) {
      totalBytes += chunk.length;
      let at = 0;
      for (let end = chunk.indexOf(NEWLINE, at); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
        const piece = chunk.subarray(at, end + 1);
        line(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
        rest = [];
        restBytes = 0;
        at = end + 1;
      }
      if (at < chunk.length) {
        // Of a line without an end only its beginning is needed once its patch is too long.
        if (restBytes <= MAX_PATCH_BYTES) rest.push(chunk.subarray(at));
        restBytes += chunk.length - at;
      }
      return totalBytes <= MAX_TOTAL_BYTES;
    },
    finish() {
      const cut = totalBytes > MAX_TOTAL_BYTES;
      if (rest.length > 0 && !cut) line(Buffer.concat(rest));
      if (cut) open = null;
      close();
      return { sections, cut };
    },
  };
}

function newOpen(): Open {
  return {
    additions: 0,
    deletions: 0,
    kept: [],
    keptBytes: 0,
    tooLong: false,
    binary: false,
    inHunks: false,
  };
}

function addLine(open: Open, text: Buffer): void {
  const first = text[0];
  if (first === 0x40) open.inHunks = true;
  if (!open.inHunks) return;
  if (first === 0x2b) open.additions += 1;
  if (first === 0x2d) open.deletions += 1;
  open.keptBytes += text.length;
  if (open.keptBytes > MAX_PATCH_BYTES) {
    open.tooLong = true;
    open.kept = [];
  }
  if (text.includes(0)) open.binary = true;
  if (!open.tooLong) open.kept.push(Buffer.from(text));
}

function section(open: Open): Section {
  const { additions, deletions } = open;
  if (open.binary) return { additions: 0, deletions: 0, patch: null };
  if (open.tooLong) return { additions, deletions, patch: null };
  const text = Buffer.concat(open.kept).toString('utf8').replace(/\n$/, '');
  return { additions, deletions, patch: text === '' ? null : text };
}
