/**
 * How untrusted text is put into sentences. Everything that comes from outside (logins, titles,
 * branch names, SQL, paths) goes through `name`, `prose` or `fence`: no mention, link, image or HTML
 * of its own survives, and invisible characters become visible.
 */

/** Control, format, surrogate, private and separator characters: they can hide or reorder text. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u2800]/gu;

/** What may stand in Markdown as it is; all else is shown as code. */
const HARMLESS = /^[\p{L}\p{N}\p{M} .,;:()'"’“”%+=–—…→/?-]*$/u;
const LINKS_ITSELF = /:\/\/|www\.|\bgh-\d|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b/iu;

/** Underscores inside a word never emphasise. */
const INSIDE_WORDS = /(?<=[\p{L}\p{N}])_+(?=[\p{L}\p{N}])/gu;
const STARTS_A_BLOCK = /^\s*(?:[-+]\s|\d+[.)]\s|={3,}|-{3,})/u;

/** Line breaks and tabs become one space, other invisible characters their number: `\u{202e}`. */
export function visible(text: string): string {
  return text
    .replace(/[\t\n\r]+/g, ' ')
    .replace(INVISIBLE, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Cuts at `max` UTF-16 units and says so with an ellipsis; never splits a surrogate pair. */
export function cap(text: string, max: number): string {
  if (text.length <= max) return text;
  const start = text.slice(0, max - 1);
  return `${/[\uD800-\uDBFF]$/.test(start) ? start.slice(0, -1) : start}…`;
}

/** A name from outside as a code span: `octocat`. Safe in Markdown and readable in a terminal. */
export function name(text: string | null, max = 120): string {
  // A bar would end the cell of a table, and GitHub reads escapes of it in more than one way.
  const plain = visible(text ?? 'unknown')
    .replaceAll('`', "'")
    .replaceAll('|', '\\u{7c}');
  const clean = cap(plain, max).trim();
  return clean === '' ? '`(empty)`' : `\`${clean}\``;
}

/** A sentence from outside: as it is when harmless, else as a code span. */
export function prose(text: string, max = 400): string {
  const clean = cap(visible(text), max).trim();
  const harmless =
    HARMLESS.test(clean.replace(INSIDE_WORDS, '')) &&
    !LINKS_ITSELF.test(clean) &&
    !STARTS_A_BLOCK.test(clean);
  return harmless ? clean : name(clean, max);
}

/** For lines without Markdown (titles, terminals): one line, visible, capped. */
export function line(text: string, max: number): string {
  return cap(visible(text).replace(/ {2,}/g, ' ').trim(), max);
}

/** A cell of a Markdown table: one line. Neither `name` nor `prose` lets a bar through. */
export function cell(markdown: string): string {
  return markdown.replaceAll('\n', ' ').replaceAll('|', '/');
}

/** A fenced block whose fence is longer than any run of backticks inside. */
export function fence(text: string, language: string): string {
  const runs = text.match(/`+/g) ?? [];
  const longest = runs.reduce((most, run) => Math.max(most, run.length), 2);
  const bar = '`'.repeat(longest + 1);
  return `${bar}${language}\n${text}\n${bar}`;
}

/** `1 approval`, `2 approvals`, `1,000 values`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** 1000 → `1,000`. */
export function number(n: number): string {
  return n.toString().replace(/\B(?=(?:\d{3})+(?!\d))/g, ',');
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[], word = 'and'): string {
  const last = items.at(-1) ?? '';
  return items.length <= 1 ? last : `${items.slice(0, -1).join(', ')} ${word} ${last}`;
}

/** The first items in words, then how many more there are. */
export function some(items: readonly string[], max: number): string {
  if (items.length <= max) return list(items);
  return `${items.slice(0, max).join(', ')} and ${counted(items.length - max, 'more', 'more')}`;
}

/** The first seven digits of a commit, as code. */
export function commit(sha: string | null): string {
  return sha === null ? 'no commit' : name(sha.slice(0, 7));
}

/** The first letter in upper case. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `14 days`, `3 hours`, `90 minutes`. */
export function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes >= 1440 && minutes % 1440 === 0) return counted(minutes / 1440, 'day');
  if (minutes >= 60 && minutes % 60 === 0) return counted(minutes / 60, 'hour');
  return counted(minutes, 'minute');
}

/** `2026-11-23 01:30 UTC`. */
export function time(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Bytes of a text in UTF-8. */
export function bytes(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/**
 * Joins sections as long as they fit into `max` bytes. A section is taken whole or not at all, so
 * that no fence or fold stays open; what is left out is named.
 */
export function fit(sections: readonly Section[], max: number): string {
  const out: string[] = [];
  const dropped: string[] = [];
  let used = 0;
  for (const section of sections) {
    const size = bytes(section.text) + 2;
    // 400 bytes stay free for the notice itself.
    if (dropped.length === 0 && used + size <= max - 400) {
      out.push(section.text);
      used += size;
    } else dropped.push(section.title);
  }
  if (dropped.length > 0) {
    out.push(
      `**cut here:** ${cap(list(dropped), 250)} did not fit; the audit table has all of it.`,
    );
  }
  return out.join('\n\n');
}

export interface Section {
  readonly title: string;
  readonly text: string;
}
