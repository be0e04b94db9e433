/** GitHub's identity tokens of workflow jobs: signature, issuer, audience, times and claims. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import { environmentKey } from '../core/subject.ts';
import { GITHUB_COM, placeOfApi } from './places.ts';

export interface OidcSettings {
  /** `https://token.actions.githubusercontent.com`, or that of a GitHub Enterprise Server. */
  readonly issuer: string;
  readonly audience: string;
  readonly now: () => number;
}

/** The audience that a job asks for: `…&audience=tagout`. */
export const OIDC_AUDIENCE = 'tagout';

/** Who issues the identity tokens of the GitHub with this API address. */
export function issuerOf(apiUrl: string): string {
  const { webUrl } = placeOfApi(apiUrl);
  if (webUrl === GITHUB_COM.webUrl) return 'https://token.actions.githubusercontent.com';
  return `${webUrl}/_services/token`;
}

const headerSchema = z.object({ alg: z.literal('RS256'), kid: z.string().min(1) });
const claimsSchema = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
  nbf: z.number().optional(),
  iat: z.number(),
  repository: z.string(),
  environment: z.string(),
});
const keysSchema = z.object({
  keys: z.array(
    z.looseObject({ kty: z.literal('RSA'), kid: z.string(), n: z.string(), e: z.string() }),
  ),
});

/** Keys are asked for again after this long, or when a token names one that is not known. */
const KEYS_MS = 600_000;
const KEYS_AGAIN_MS = 10_000;
const KEYS_TIMEOUT_MS = 5_000;
/** Clocks may differ by this much. */
const LEEWAY_MS = 30_000;

/** Answers whether a token is the identity of a job in this environment of this repository. */
export type OidcCheck = (
  token: string,
  place: { readonly repository: string; readonly environment: string },
) => Promise<boolean>;

/** Makes the check. It answers false for anything but a whole, valid, fitting token. */
export function createOidcCheck(settings: OidcSettings): OidcCheck {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let readAtMs = Number.NEGATIVE_INFINITY;
  const keyOf = async (kid: string): Promise<KeyObject | null> => {
    const ageMs = settings.now() - readAtMs;
    if (ageMs > KEYS_MS || (!keys.has(kid) && ageMs > KEYS_AGAIN_MS)) {
      readAtMs = settings.now();
      keys = await readKeys(settings.issuer).catch(() => new Map());
    }
    return keys.get(kid) ?? null;
  };
  return async (token, place) => {
    const [head = '', body = '', signature = '', ...more] = token.split('.');
    const header = headerSchema.safeParse(jsonOf(head));
    const claims = claimsSchema.safeParse(jsonOf(body));
    if (more.length > 0 || !header.success || !claims.success) return false;
    const key = await keyOf(header.data.kid);
    if (key === null) return false;
    const signed = Buffer.from(`${head}.${body}`);
    if (!verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))) return false;
    return isMeant(claims.data, settings) && isPlace(claims.data, place);
  };
}

function jsonOf(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

async function readKeys(issuer: string): Promise<ReadonlyMap<string, KeyObject>> {
  const signal = AbortSignal.timeout(KEYS_TIMEOUT_MS);
  const answer = await fetch(`${issuer}/.well-known/jwks`, { signal, redirect: 'error' });
  const { keys } = keysSchema.parse(await answer.json());
  return new Map(
    keys.map(({ kid, kty, n, e }) => [kid, createPublicKey({ key: { kty, n, e }, format: 'jwk' })]),
  );
}

type Claims = z.infer<typeof claimsSchema>;

function isMeant(claims: Claims, { issuer, audience, now }: OidcSettings): boolean {
  const nowMs = now();
  const audiences = typeof claims.aud === 'string' ? [claims.aud] : claims.aud;
  return (
    claims.iss === issuer &&
    audiences.includes(audience) &&
    claims.exp * 1000 > nowMs - LEEWAY_MS &&
    Math.max(claims.iat, claims.nbf ?? 0) * 1000 < nowMs + LEEWAY_MS
  );
}

function isPlace(
  claims: Claims,
  place: { readonly repository: string; readonly environment: string },
): boolean {
  return (
    claims.repository.toLowerCase() === place.repository.toLowerCase() &&
    environmentKey(claims.environment) === environmentKey(place.environment)
  );
}
