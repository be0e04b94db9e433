/** The server's settings from its environment: complete and sound, or one clear line per fault. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { TagoutError } from '../core/errors.ts';
import { anchorProblem, anchorsOf, anchorShape, type AnchorSettings } from './settings-anchors.ts';
import { given, webUrl, wholeNumber } from './settings-values.ts';
import { readSnapshots, type SnapshotPlaces } from '../sandbox/snapshots.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface StoreSettings {
  /** Null: the embedded PostgreSQL in `dataDir`. */
  readonly databaseUrl: string | null;
  /** The role that owns the tables; null: `databaseUrl` is used for both. */
  readonly databaseOwnerUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
}

export interface NoticeSettings {
  readonly comment: boolean;
  readonly reviewers: boolean;
  /** The chat that is told; its address is a secret. */
  readonly webhook: { readonly url: string; readonly format: 'slack' | 'teams' | 'json' } | null;
}

export interface ServeSettings extends StoreSettings {
  /** Where checkpoints are left; left out: nowhere but in check runs. */
  readonly anchors?: AnchorSettings;
  readonly appId: number;
  /** PEM. */
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** Without a slash at its end. */
  readonly githubApiUrl: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | null;
  /** Minutes between sweeps for what was missed; 0 or left out: none in this process. */
  readonly sweepMinutes?: number;
  /** Bearer token of `/metrics`; without one there are none. */
  readonly metricsToken?: string | null;
  /** With which people sign in to read the record at `/audit`; null or left out: nobody can. */
  readonly oauth?: { readonly clientId: string; readonly clientSecret: string } | null;
  /** Only one half of the server in this process. */
  readonly only?: 'web' | 'worker' | null;
  /** The dumps that policies may start from, by repository; left out: there are none. */
  readonly snapshots?: SnapshotPlaces;
  /** How people are told of a waiting gate; left out: only at the gate itself. */
  readonly notices?: NoticeSettings;
  /** The collector's OTLP/HTTP address for traces; null or left out: there are none. */
  readonly traces?: { readonly url: string; readonly service: string } | null;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
}

function postgresUrl(name: string): z.ZodType<string | null> {
  const message = `${name} is not a PostgreSQL address: write postgres://user:password@host/name.`;
  return given
    .refine((text) => /^postgres(?:ql)?:$/.test(URL.parse(text)?.protocol ?? ''), message)
    .nullable();
}

/** A collector mostly stands beside the server, in plain http; no secret travels in a span. */
function collectorUrl(name: string): z.ZodType<string> {
  return given.refine(
    (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
    `${name} is not the http or https address of a collector: write http://localhost:4318.`,
  );
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const FORMATS = ['slack', 'teams', 'json'] as const;

const storeShape = {
  DATABASE_URL: postgresUrl('DATABASE_URL'),
  DATABASE_OWNER_URL: postgresUrl('DATABASE_OWNER_URL'),
  TAGOUT_DATA: given.nullable(),
};

const storeSchema = z.object(storeShape);

const serveSchema = z.object({
  ...storeShape,
  ...anchorShape,
  APP_ID: z
    .string('APP_ID is not set: take it from the settings page of your GitHub App.')
    .trim()
    .regex(/^[1-9]\d{0,14}$/, 'APP_ID is not a number: take it from the page of your GitHub App.')
    .transform(Number),
  PRIVATE_KEY: given.nullable(),
  PRIVATE_KEY_PATH: given.nullable(),
  WEBHOOK_SECRET: z
    .string(
      'WEBHOOK_SECRET is not set: make one (openssl rand -hex 32) and give it to the App too.',
    )
    .refine(
      (text) => text.trim().length >= 16,
      'WEBHOOK_SECRET has less than 16 characters: make one with openssl rand -hex 32.',
    ),
  GITHUB_API_URL: webUrl('GITHUB_API_URL', 'https://HOST/api/v3').nullable(),
  PORT: wholeNumber('PORT is not a number from 0 to 65535; 0 takes a free port.')
    .refine((port) => port <= 65_535, 'PORT is not a number from 0 to 65535.')
    .nullable(),
  HOST: given.regex(/^[\w.:-]+$/, 'HOST is not an address: write 0.0.0.0 or 127.0.0.1.').nullable(),
  TAGOUT_SNAPSHOT: given.nullable(),
  PUBLIC_URL: webUrl('PUBLIC_URL', 'https://tagout.example.com').nullable(),
  SWEEP_MINUTES: wholeNumber('SWEEP_MINUTES is not a whole number of minutes; 0 switches it off.')
    .refine((minutes) => minutes <= 1440, 'SWEEP_MINUTES is more than a day (1440).')
    .nullable(),
  METRICS_TOKEN: given
    .min(16, 'METRICS_TOKEN has less than 16 characters: make one with openssl rand -hex 32.')
    .nullable(),
  CLIENT_ID: given
    .regex(
      /^[\w.-]{1,100}$/,
      'CLIENT_ID is not a client id: take it from the page of your GitHub App.',
    )
    .nullable(),
  CLIENT_SECRET: given.nullable(),
  NOTICES: given
    .regex(
      /^(?:none|(?:comment|reviewers)(?:,(?:comment|reviewers))*)$/,
      'NOTICES is not a list of comment and reviewers, such as comment,reviewers, or none.',
    )
    .nullable(),
  NOTICE_WEBHOOK_URL: webUrl('NOTICE_WEBHOOK_URL', 'https://hooks.example.com/…').nullable(),
  NOTICE_FORMAT: z.enum(FORMATS, `NOTICE_FORMAT is not one of ${FORMATS.join(', ')}.`).nullable(),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl('OTEL_EXPORTER_OTLP_ENDPOINT').nullable(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT').nullable(),
  OTEL_SERVICE_NAME: given.max(100, 'OTEL_SERVICE_NAME has more than 100 characters.').nullable(),
  LOG_LEVEL: z.enum(LEVELS, `LOG_LEVEL is not one of ${LEVELS.join(', ')}.`).nullable(),
});

function parse<T extends z.ZodObject>(schema: T, env: Environment): z.infer<T> | readonly string[] {
  const values = Object.keys(schema.shape).map((name) => {
    const value = env[name];
    const required = name === 'APP_ID' || name === 'WEBHOOK_SECRET';
    const absent = value === undefined || value.trim() === '';
    return [name, absent ? (required ? undefined : null) : value] as const;
  });
  const result = schema.safeParse(Object.fromEntries(values));
  return result.success ? result.data : result.error.issues.map((issue) => issue.message);
}

function storeOf(found: z.infer<typeof storeSchema>, cwd: string): StoreSettings {
  return {
    databaseUrl: found.DATABASE_URL,
    databaseOwnerUrl: found.DATABASE_OWNER_URL,
    dataDir: resolve(cwd, found.TAGOUT_DATA ?? '.tagout'),
  };
}

function refuse(problems: readonly string[]): never {
  throw new TagoutError('configuration', problems.join('\ntagout: '));
}

/** What `migrate` and `report` need. Throws TagoutError('configuration') with a line per fault. */
export function readStoreSettings(env: Environment, cwd: string): StoreSettings {
  const found = parse(storeSchema, env);
  return Array.isArray(found) ? refuse(found) : storeOf(storeSchema.parse(found), cwd);
}

export interface SetupSettings {
  readonly githubApiUrl: string | null;
  readonly port: number;
  readonly publicUrl: string | null;
}

const setupSchema = serveSchema.pick({ GITHUB_API_URL: true, PORT: true, PUBLIC_URL: true });

/** What the set-up page needs. Throws TagoutError('configuration') with a line per fault. */
export function readSetupSettings(env: Environment): SetupSettings {
  const found = parse(setupSchema, env);
  if ('length' in found) return refuse(found);
  const { GITHUB_API_URL: githubApiUrl, PORT: port, PUBLIC_URL: publicUrl } = found;
  return { githubApiUrl, port: port ?? 3000, publicUrl };
}

/** What `serve` needs. Throws TagoutError('configuration') with a line per fault, no values in it. */
export function readServeSettings(env: Environment, cwd: string): ServeSettings {
  const found = parse(serveSchema, env);
  const key = readPrivateKey(env, cwd);
  const half = oneOfTwo(env);
  if ('length' in found) {
    return refuse([...found, ...half, ...('problem' in key ? [key.problem] : [])]);
  }
  if ('problem' in key) return refuse([...half, key.problem]);
  if (half.length > 0) return refuse(half);
  const wrong = anchorProblem(found);
  if (wrong !== null) return refuse([wrong]);
  const anchors = anchorsOf(found, cwd);
  if (typeof anchors === 'string') return refuse([anchors]);
  const snapshots = readSnapshots(found.TAGOUT_SNAPSHOT ?? '', cwd);
  if (typeof snapshots === 'string') return refuse([snapshots]);
  return {
    ...storeOf(found, cwd),
    appId: found.APP_ID,
    privateKey: key.pem,
    webhookSecret: found.WEBHOOK_SECRET,
    githubApiUrl: found.GITHUB_API_URL ?? 'https://api.github.com',
    port: found.PORT ?? 3000,
    host: found.HOST ?? '0.0.0.0',
    publicUrl: found.PUBLIC_URL,
    sweepMinutes: found.SWEEP_MINUTES ?? 5,
    metricsToken: found.METRICS_TOKEN,
    ...(snapshots.size === 0 ? {} : { snapshots }),
    oauth: oauthOf(found),
    notices: noticesOf(found),
    anchors,
    traces: tracesOf(found),
    logLevel: found.LOG_LEVEL ?? 'info',
  };
}

function oauthOf({
  CLIENT_ID: clientId,
  CLIENT_SECRET: clientSecret,
}: z.infer<typeof serveSchema>) {
  return clientId === null || clientSecret === null ? null : { clientId, clientSecret };
}

/** Half of what signing in needs would look like signing in and never work. */
function oneOfTwo(env: Environment): readonly string[] {
  const [id, secret] = ['CLIENT_ID', 'CLIENT_SECRET'].map(
    (name) => (env[name] ?? '').trim() !== '',
  );
  if (id === secret) return [];
  const [there, missing] = id ? ['CLIENT_ID', 'CLIENT_SECRET'] : ['CLIENT_SECRET', 'CLIENT_ID'];
  return [
    `${there} is set without ${missing}: set both, so that people can sign in at /audit, or none.`,
  ];
}

/** A comment is what people expect of an app on a pull request; to ask people is for them to wish. */
function noticesOf(found: z.infer<typeof serveSchema>): NoticeSettings {
  const wished = (found.NOTICES ?? 'comment').split(',');
  const { NOTICE_WEBHOOK_URL: url, NOTICE_FORMAT: format } = found;
  return {
    comment: wished.includes('comment'),
    reviewers: wished.includes('reviewers'),
    webhook: url === null ? null : { url, format: format ?? 'json' },
  };
}

/** As OpenTelemetry says: the address for traces as it is, the general one with their path. */
function tracesOf(found: z.infer<typeof serveSchema>): NonNullable<ServeSettings['traces']> | null {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = found;
  const url = own ?? (all === null ? null : `${all.replace(/\/+$/, '')}/v1/traces`);
  return url === null ? null : { url, service: found.OTEL_SERVICE_NAME ?? 'tagout' };
}

type Key = { readonly pem: string } | { readonly problem: string };

function readPrivateKey(env: Environment, cwd: string): Key {
  const text = env['PRIVATE_KEY']?.trim() ?? '';
  const path = env['PRIVATE_KEY_PATH']?.trim() ?? '';
  if (text !== '' && path !== '') {
    return { problem: 'PRIVATE_KEY and PRIVATE_KEY_PATH are both set: keep one of them.' };
  }
  if (text !== '') return checkKey(text, 'PRIVATE_KEY');
  if (path === '') {
    const problem = 'PRIVATE_KEY is not set: set it, or PRIVATE_KEY_PATH, to the key of your App.';
    return { problem };
  }
  try {
    return checkKey(readFileSync(resolve(cwd, path), 'utf8').trim(), 'PRIVATE_KEY_PATH');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return { problem: `PRIVATE_KEY_PATH names ${path}, which cannot be read (${code}).` };
  }
}

/** Line breaks may be written as \n, and the whole may be base64, as environments like it. */
function checkKey(text: string, name: string): Key {
  const plain = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  const pem = `${plain.replaceAll('\\n', '\n').trim()}\n`;
  try {
    if (createPrivateKey(pem).asymmetricKeyType === 'rsa') return { pem };
  } catch {
    // Said below; the error could quote the key.
  }
  const problem =
    `${name} is not an RSA private key: give the PEM that GitHub made for the App, ` +
    'with line breaks, with \\n, or in base64.';
  return { problem };
}
