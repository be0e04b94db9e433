/** What must never be written: not in the log, not on the terminal, whatever quotes it. */
import type { Environment, ServeSettings } from './settings.ts';

export const CENSORED = '[removed]';

/**
 * What a credential looks like: GitHub's tokens, deployers' tokens, JSON web tokens and sessions of
 * our pages, keys, passwords in addresses.
 */
const PATTERNS: readonly RegExp[] = [
  /\b(?:gh[pousr]|v1\.)_?[A-Za-z0-9_]{30,}\b/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\btagout_[\w-]{40,}/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]{8,}){1,2}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?="))/gs,
  /(?<=:\/\/[^\s:/@"]*:)[^\s@/"]+(?=@)/g,
];

/** Variables whose values are secrets, by their names. */
const SECRET_NAME =
  /SECRET|TOKEN|PASSWORD|PRIVATE_KEY$|WEBHOOK_URL$|DATABASE\w*_URL$|OTLP\w*_HEADERS$/;

/** Answers what removes the known secrets and everything that looks like a credential. */
export function cleaner(secrets: readonly string[]): (text: string) => string {
  const known = secrets.flatMap(formsOf).sort((a, b) => b.length - a.length);
  return (text) => clean(text, known);
}

function clean(line: string, known: readonly string[]): string {
  let text = line;
  for (const secret of known) text = text.replaceAll(secret, CENSORED);
  for (const pattern of PATTERNS) text = text.replace(pattern, CENSORED);
  return text;
}

/** A secret as it is, as JSON writes it, and line by line when it has several. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split('\n').filter((line) => line.length >= 16 && !line.startsWith('-----'));
  return [secret, JSON.stringify(secret).slice(1, -1), ...lines].filter((text) => text.length >= 8);
}

/** The secrets of a server's settings: credentials, passwords in addresses, the chat's address. */
export function secretsOf(
  settings: Pick<ServeSettings, 'webhookSecret' | 'privateKey'> & Partial<ServeSettings>,
): readonly string[] {
  const { databaseUrl, databaseOwnerUrl, webhookSecret, privateKey, metricsToken } = settings;
  const hook = settings.notices?.webhook?.url ?? '';
  const passwords = [databaseUrl, databaseOwnerUrl].flatMap(passwordIn);
  const more = [
    metricsToken ?? '',
    settings.anchors?.git?.token ?? '',
    settings.anchors?.bucket?.secret ?? '',
    settings.oauth?.clientSecret ?? '',
    hook,
    URL.parse(hook)?.pathname ?? '',
  ];
  return [webhookSecret, privateKey, ...passwords, ...more];
}

/** The secrets that an environment holds, for what is said before or without settings. */
export function secretsIn(env: Environment): readonly string[] {
  return Object.entries(env).flatMap(([name, value = '']) =>
    SECRET_NAME.test(name) ? [value, ...passwordIn(value), ...chatPath(name, value)] : [],
  );
}

/** The path of a chat's address is what lets one write there. */
function chatPath(name: string, value: string): readonly string[] {
  return name.endsWith('WEBHOOK_URL') ? [URL.parse(value)?.pathname ?? ''] : [];
}

function passwordIn(url: string | null | undefined): readonly string[] {
  const password = URL.parse(url ?? '')?.password ?? '';
  return password === '' ? [] : [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
