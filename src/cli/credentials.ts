/**
 * The app's credentials as the set-up page leaves them: one file in TAGOUT_DATA that only its
 * owner can read. The environment wins over the file, and is never mixed with it.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import type { Environment } from './settings.ts';
import { makeFolder } from '../postgres/folders.ts';

export interface StoredCredentials {
  readonly version: 1;
  readonly appId: number;
  readonly slug: string;
  /** The app's page: `https://github.com/apps/SLUG`. */
  readonly htmlUrl: string;
  /** PEM. */
  readonly privateKey: string;
  readonly webhookSecret: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly githubApiUrl: string;
  readonly publicUrl: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

const credentialsSchema: z.ZodType<StoredCredentials> = z.strictObject({
  version: z.literal(1),
  appId: z.int().positive(),
  slug: z.string(),
  htmlUrl: z.string(),
  privateKey: z.string(),
  webhookSecret: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  githubApiUrl: z.string(),
  publicUrl: z.string(),
  createdAt: z.string(),
});

/** Any of these in the environment means that the file is not looked at. */
const NAMES = ['APP_ID', 'PRIVATE_KEY', 'PRIVATE_KEY_PATH', 'WEBHOOK_SECRET'] as const;

function isSet(env: Environment, name: string): boolean {
  return (env[name]?.trim() ?? '') !== '';
}

/** Whether the environment names credentials itself, be it only a part of them. */
export function environmentHasCredentials(env: Environment): boolean {
  return NAMES.some((name) => isSet(env, name));
}

/** The data folder of an environment, absolute. */
export function dataFolder(env: Environment, cwd: string): string {
  return resolve(cwd, env['TAGOUT_DATA']?.trim() || '.tagout');
}

/** Where the file lies. */
export function credentialsPath(env: Environment, cwd: string): string {
  return join(dataFolder(env, cwd), 'credentials.json');
}

function mayOnlyOwnerRead(path: string): void {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const message =
    `${path} holds the app's private key and can be read by others (mode ${mode.toString(8)}). ` +
    `Run \`chmod 600 ${path}\`; if somebody may have copied it, make a new key and a new webhook ` +
    "secret on the app's settings page.";
  throw new TagoutError('configuration', message);
}

function textOf(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8');
    mayOnlyOwnerRead(path);
    return text;
  } catch (error) {
    if (error instanceof TagoutError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new TagoutError('configuration', `${path} cannot be read (${code}).`);
  }
}

/**
 * The stored credentials, or null when there is no file. Throws TagoutError('configuration') when
 * others can read it or it is not what the set-up page wrote; what it holds is never quoted.
 */
export function readCredentials(path: string): StoredCredentials | null {
  const text = textOf(path);
  if (text === null) return null;
  try {
    return credentialsSchema.parse(JSON.parse(text));
  } catch {
    // The error could quote the key.
    const message =
      `${path} is not the file that the set-up page wrote. Restore it from a backup, or move it ` +
      'away and run npm start again to register the app anew.';
    throw new TagoutError('configuration', message);
  }
}

/** Writes the file whole, mode 0600, in a folder of mode 0700: nobody ever sees half of it. */
export function writeCredentials(path: string, credentials: StoredCredentials): void {
  const text = `${JSON.stringify(credentialsSchema.parse(credentials), null, 2)}\n`;
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  try {
    makeFolder(dirname(path), 0o700);
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const message = `${path} cannot be written (${code}): set TAGOUT_DATA to a folder of yours.`;
    throw new TagoutError('configuration', message);
  }
}

/**
 * The environment completed with the stored credentials, when it names none itself. GitHub's and
 * the public address come from the file as well, unless the environment names them.
 */
export function withStoredCredentials(env: Environment, cwd: string): Environment {
  if (environmentHasCredentials(env)) return env;
  const stored = readCredentials(credentialsPath(env, cwd));
  if (stored === null) return env;
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => isSet(env, name)));
  return {
    GITHUB_API_URL: stored.githubApiUrl,
    PUBLIC_URL: stored.publicUrl,
    ...kept,
    APP_ID: String(stored.appId),
    PRIVATE_KEY: stored.privateKey,
    WEBHOOK_SECRET: stored.webhookSecret,
    CLIENT_ID: stored.clientId,
    CLIENT_SECRET: stored.clientSecret,
  };
}
