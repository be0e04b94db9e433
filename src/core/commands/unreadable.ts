/**
 * Lines of command files whose command only a running shell knows: what is fetched or decoded and
 * run at once, and commands that are kept in a variable. Nobody can tell from the text what they
 * do, so they are named.
 */

export interface UnreadableRow {
  readonly id: string;
  /** What the line does, after "A line of … ". */
  readonly does: string;
  /** Every quantifier is bounded, so that no line can make the search slow. */
  readonly pattern: RegExp;
  readonly example: string;
  readonly safe: string;
}

const SHELL =
  '(?:sudo\\s{1,9})?(?:[\\w./-]{0,60}/)?(?:(?:(?:ba|z|da|k)?sh|psql|mysql|mariadb|sqlcmd)(?=[\\s"\';)`]|$)|' +
  // With a program of their own these only read what is piped.
  '(?:python3?|perl|ruby|node|php)\\s{0,9}(?:-\\s{0,9})?(?=["\';)`]|$))';
const PIPED = `[^\\n]{0,400}?\\|\\s{0,9}${SHELL}`;

export const unreadableRows: readonly UnreadableRow[] = [
  {
    id: 'decoded-and-run',
    does: 'decodes a text and runs it',
    pattern: new RegExp(
      `\\b(?:base64\\s{1,9}(?:-d|-D|--decode)|base32\\s{1,9}(?:-d|--decode)|xxd\\s{1,9}-r|openssl\\s{1,9}(?:enc|base64)|zcat|gunzip|rev|tr\\s)${PIPED}`,
    ),
    example: 'echo ZHJvcGRiIHNob3A= | base64 -d | sh',
    safe: 'echo "$KEY" | base64 -d > key.json',
  },
  {
    id: 'fetched-and-run',
    does: 'fetches a program and runs it',
    pattern: new RegExp(
      `\\b(?:curl|wget)\\b${PIPED}|(?:\\b(?:ba|z)?sh\\s{1,9}-c|\\beval|\\bsource|(?:^|\\s)\\.)\\s{1,9}["']?(?:\\$\\(|\`|<\\()\\s{0,9}(?:curl|wget)\\b|\\b(?:ba|z)?sh\\s{1,9}<\\(\\s{0,9}(?:curl|wget)\\b`,
    ),
    example: 'sh -c "$(curl -fsSL https://example.org/x)"',
    safe: 'curl -fsS https://example.org/health | grep ok',
  },
  {
    id: 'evaluated',
    does: 'runs a text that is put together while it runs',
    pattern:
      /(?:^|[\s;&|"'`(])(?:eval|(?:ba|z)?sh\s{1,9}-\w{0,5}c)\s{1,9}(?:["']\s{0,9})?(?:\$(?!@)|`)/,
    example: 'eval "$STEP"',
    safe: 'sh -c "npm run build"',
  },
  {
    id: 'command-in-variable',
    does: 'runs a command that a variable holds',
    pattern:
      /^(?:\s{0,40}(?:-\s{1,9})?(?:run|command|entrypoint|release|web|worker):)?\s{0,40}["']?\$(?:\w{1,60}|\{\w{1,60}\})["']?(?=\s{1,9}[\w$"'-]|\s{0,9}$)/,
    example: '$TOOL migrate reset --force',
    safe: 'node "$SCRIPT" --dry-run',
  },
  {
    id: 'words-in-variable',
    does: 'gives a tool that can destroy its orders in a variable',
    pattern:
      /\b(?:prisma|drizzle-kit|rails|rake|manage\.py|terraform|tofu|pulumi|kubectl|helm|aws|gcloud|az|railway|flyctl|supabase|sequelize(?:-cli)?|typeorm|knex|artisan)\s{1,9}(?:[a-z]{1,20}\s{1,9})?["']?\$(?:\(|(?:\w{1,60}|\{\w{1,60}\}|@)["']?(?=\s|$|["';&|)]))|\bpsql\b[^\n|;]{0,200}\s(?:-c|--command)[\s=]{1,9}["']?\$(?:\(|(?:\w{1,60}|\{\w{1,60}\})["']?(?=\s|$|["';&|)]))/,
    example: 'npx prisma migrate $ACTION',
    safe: 'terraform plan -var-file="$FILE"',
  },
];

/** What a line does that its text does not tell; null when the text is the whole command. */
export function unreadable(text: string): string | null {
  return unreadableRows.find(({ pattern }) => pattern.test(text))?.does ?? null;
}
