/**
 * What a commit message or a body says, read loosely: text after a trailer, trailers in the middle
 * of a squash commit and invisible characters hide nothing. Only for detection, never for excuse.
 */

export interface CoAuthor {
  readonly name: string;
  readonly email: string;
}

const ascii = /^[\t\n\r\x20-\x7e]*$/;

/** NFKC, without invisible format characters, with plain line ends. */
export function plainText(text: string): string {
  if (ascii.test(text)) return text.replaceAll('\r', '');
  return text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replaceAll('\r', '');
}

/** Every `Co-authored-by: Name <e-mail>` anywhere in a text that `plainText` has made plain. */
export function coAuthorsIn(plain: string): readonly CoAuthor[] {
  const found = plain.matchAll(/co-?authored-?by[ \t]*:([^<\n]{0,200})<([^>\n]{0,320})>/gi);
  return [...found].map(([, name = '', email = '']) => ({
    name: name.trim(),
    email: email.replace(/\s/g, '').toLowerCase(),
  }));
}

export interface NoReply {
  readonly id: number | null;
  readonly login: string;
}

/** The account in GitHub's own no-reply address, `ID+login@users.noreply.github.com`. */
export function noReplyAccount(email: string): NoReply | null {
  const found = /^(?:(\d{1,15})\+)?([a-z\d[\]-]{1,60})@users\.noreply\.github\.com$/i.exec(email);
  const login = found?.[2];
  if (login === undefined) return null;
  return { id: found?.[1] === undefined ? null : Number(found[1]), login };
}

/** Marks of Markdown that can stand inside a word. */
export const emphasis: RegExp = /[*_`[\]]/;

/** A text as it is read once Markdown is drawn. */
export function withoutEmphasis(text: string): string {
  return text.replace(/[*_`[\]]/g, '');
}

/** Logins that a body names as the people who asked for the work. */
export function requestersIn(plain: string): readonly string[] {
  const words = withoutEmphasis(plain);
  const asked = words.matchAll(/requested[ -]by[ \t]{0,5}:?[ \t]{0,5}@([a-z\d][a-z\d-]{0,38})/gi);
  const behalf = words.matchAll(/on behalf of[ \t]{1,5}@([a-z\d][a-z\d-]{0,38})/gi);
  return [...new Set([...asked, ...behalf].map(([, login = '']) => login))];
}
