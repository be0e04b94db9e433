/** Where checkpoints are left (docs/operating.md): each place with a credential of its own. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { parseVkey } from '../core/audit/note.ts';
import { readCertificates } from '../core/audit/time-stamp.ts';
import type { AnchorRepository } from '../git/anchor-branch.ts';
import type { BucketSettings } from './anchor-s3.ts';
import { given, webUrl, wholeNumber } from './settings-values.ts';

export interface AnchorSettings {
  /** A branch that checkpoints are pushed to, with a credential for that repository alone. */
  readonly git: AnchorRepository | null;
  /** Another machine that remembers checkpoints, and the key that it signs with. */
  readonly witness: { readonly url: string; readonly key: string } | null;
  /** An authority for time-stamps (RFC 3161), and its certificates in PEM. */
  readonly stamp: { readonly url: string; readonly pem: string } | null;
  /** A bucket with Object Lock. */
  readonly bucket: BucketSettings | null;
  /** Between two checkpoints at a place that costs money for each. */
  readonly paidEveryMs: number;
}

/** Plain http will do: a time-stamp is signed and says nothing that is secret. */
function isAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}` === '';
}

/** Below ten minutes, so that the age of such an anchor stays below the alarm's. */
const PAID_MINUTES = 5;
const RETENTION_DAYS = 400;

type TextName =
  | 'ANCHOR_GIT_URL'
  | 'ANCHOR_GIT_BRANCH'
  | 'ANCHOR_GIT_KEY_PATH'
  | 'ANCHOR_GIT_TOKEN'
  | 'ANCHOR_WITNESS_URL'
  | 'ANCHOR_WITNESS_KEY'
  | 'ANCHOR_TSA_URL'
  | 'ANCHOR_TSA_CERT_PATH'
  | 'ANCHOR_S3_URL'
  | 'ANCHOR_S3_REGION'
  | 'ANCHOR_S3_KEY_ID'
  | 'ANCHOR_S3_SECRET';
type NumberName = 'ANCHOR_S3_DAYS' | 'ANCHOR_PAID_MINUTES';
type Found = { readonly [N in TextName]: string | null } & {
  readonly [N in NumberName]: number | null;
};

/** The variables, each null when it is not set. */
export const anchorShape: { readonly [N in keyof Found]: z.ZodType<Found[N]> } = {
  ANCHOR_GIT_URL: given
    .regex(
      /^(?:https:\/\/[^\s@]+|ssh:\/\/\S+|[\w.-]+@[\w.-]+:\S+|\/\S+)$/,
      'ANCHOR_GIT_URL is not the address of a git repository: write git@github.com:OWNER/NAME.git ' +
        'or https://github.com/OWNER/NAME.git, without a password in it.',
    )
    .nullable(),
  ANCHOR_GIT_BRANCH: given
    .regex(/^(?!.*(?:\.\.|\/\/|\.lock$|\/$))[\w][\w./-]{0,100}$/, 'ANCHOR_GIT_BRANCH is no branch.')
    .nullable(),
  ANCHOR_GIT_KEY_PATH: given.nullable(),
  ANCHOR_GIT_TOKEN: given.nullable(),
  ANCHOR_WITNESS_URL: webUrl('ANCHOR_WITNESS_URL', 'https://witness.example.com').nullable(),
  ANCHOR_WITNESS_KEY: given
    .refine(
      (text) => parseVkey(text) !== null,
      'ANCHOR_WITNESS_KEY is not the key that `npx tagout witness` prints when it starts.',
    )
    .nullable(),
  ANCHOR_TSA_URL: given
    .refine(
      (text) => isAddress(text),
      'ANCHOR_TSA_URL is not the http or https address of a time-stamp authority (RFC 3161), ' +
        'without a password in it.',
    )
    .nullable(),
  ANCHOR_TSA_CERT_PATH: given.nullable(),
  ANCHOR_S3_URL: webUrl('ANCHOR_S3_URL', 'https://BUCKET.s3.REGION.amazonaws.com').nullable(),
  ANCHOR_S3_REGION: given
    .regex(/^[a-z0-9-]{1,40}$/, 'ANCHOR_S3_REGION is not a region, such as eu-central-1.')
    .nullable(),
  ANCHOR_S3_KEY_ID: given
    .regex(/^\w{1,128}$/, 'ANCHOR_S3_KEY_ID is not an access key id.')
    .nullable(),
  ANCHOR_S3_SECRET: given.nullable(),
  ANCHOR_S3_DAYS: wholeNumber('ANCHOR_S3_DAYS is not a number of days from 1 to 36500.')
    .refine((days) => days >= 1 && days <= 36_500, 'ANCHOR_S3_DAYS is not from 1 to 36500.')
    .nullable(),
  ANCHOR_PAID_MINUTES: wholeNumber('ANCHOR_PAID_MINUTES is not a number of minutes from 1 to 1440.')
    .refine(
      (minutes) => minutes >= 1 && minutes <= 1440,
      'ANCHOR_PAID_MINUTES is not from 1 to 1440.',
    )
    .nullable(),
};

/** Each anchor needs a credential of its own: the app's never leaves for another repository. */
export function anchorProblem(found: Found): string | null {
  return gitProblem(found) ?? witnessProblem(found) ?? stampProblem(found) ?? bucketProblem(found);
}

function gitProblem(found: Found): string | null {
  const { ANCHOR_GIT_URL: url, ANCHOR_GIT_KEY_PATH: key, ANCHOR_GIT_TOKEN: token } = found;
  if (url === null && (key !== null || token !== null)) {
    return 'ANCHOR_GIT_KEY_PATH or ANCHOR_GIT_TOKEN is set, but not ANCHOR_GIT_URL.';
  }
  if (url?.startsWith('https:') === true && token === null) {
    return 'ANCHOR_GIT_TOKEN is not set: give a token that may write to the anchor repository only.';
  }
  if (url !== null && !/^(?:https:|\/)/.test(url) && key === null) {
    return 'ANCHOR_GIT_KEY_PATH is not set: give the deploy key (write) of the anchor repository.';
  }
  return null;
}

function witnessProblem(found: Found): string | null {
  if ((found.ANCHOR_WITNESS_URL === null) === (found.ANCHOR_WITNESS_KEY === null)) return null;
  return 'ANCHOR_WITNESS_URL and ANCHOR_WITNESS_KEY go together: set both or none.';
}

function stampProblem(found: Found): string | null {
  if ((found.ANCHOR_TSA_URL === null) === (found.ANCHOR_TSA_CERT_PATH === null)) return null;
  return (
    'ANCHOR_TSA_URL and ANCHOR_TSA_CERT_PATH go together: the authority, and the certificate that ' +
    'it signs with (PEM); without it nobody could tell whose time-stamps these are.'
  );
}

function bucketProblem(found: Found): string | null {
  const needed = [
    found.ANCHOR_S3_URL,
    found.ANCHOR_S3_REGION,
    found.ANCHOR_S3_KEY_ID,
    found.ANCHOR_S3_SECRET,
  ];
  const set = needed.filter((one) => one !== null).length;
  if (set === needed.length || (set === 0 && found.ANCHOR_S3_DAYS === null)) return null;
  return (
    'ANCHOR_S3_URL, ANCHOR_S3_REGION, ANCHOR_S3_KEY_ID and ANCHOR_S3_SECRET go together: ' +
    'set all of them or none.'
  );
}

/** The certificates' text. Throws nothing: null when it cannot be read or holds none. */
function certificates(path: string, cwd: string): string | null {
  try {
    const pem = readFileSync(resolve(cwd, path), 'utf8');
    return readCertificates(pem) === null ? null : pem;
  } catch {
    return null;
  }
}

/** The places that the settings name; a text says what is wrong with a file that they name. */
export function anchorsOf(found: Found, cwd: string): AnchorSettings | string {
  const { ANCHOR_GIT_URL: url, ANCHOR_WITNESS_URL: witness, ANCHOR_WITNESS_KEY: key } = found;
  const { ANCHOR_GIT_BRANCH: branch, ANCHOR_GIT_KEY_PATH: path, ANCHOR_GIT_TOKEN: token } = found;
  const { ANCHOR_TSA_URL: authority, ANCHOR_TSA_CERT_PATH: certificate } = found;
  const pem = certificate === null ? null : certificates(certificate, cwd);
  if (certificate !== null && pem === null) {
    return `ANCHOR_TSA_CERT_PATH names ${certificate}, which is no certificate in PEM.`;
  }
  const keyPath = path === null ? null : resolve(cwd, path);
  return {
    git: url === null ? null : { url, branch: branch ?? 'tagout-anchors', keyPath, token },
    witness: witness === null || key === null ? null : { url: witness, key },
    stamp: authority === null || pem === null ? null : { url: authority, pem },
    bucket: bucketOf(found),
    paidEveryMs: (found.ANCHOR_PAID_MINUTES ?? PAID_MINUTES) * 60_000,
  };
}

function bucketOf(found: Found): BucketSettings | null {
  const { ANCHOR_S3_URL: url, ANCHOR_S3_REGION: region, ANCHOR_S3_DAYS: days } = found;
  const { ANCHOR_S3_KEY_ID: keyId, ANCHOR_S3_SECRET: secret } = found;
  if (url === null || region === null || keyId === null || secret === null) return null;
  return { url, region, keyId, secret, days: days ?? RETENTION_DAYS };
}
