/** Who asks: an app by its signed JWT, an installation or a person by token. */
import { verify } from 'node:crypto';
import { HttpError, isRecord, type Auth } from './http.ts';
import type { AppRecord } from './state.ts';
import type { World } from './world.ts';

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

function bad(message: string): HttpError {
  return new HttpError(401, message);
}

/** Ten minutes, and a minute for clocks that differ. */
const longestLifeSeconds = 600;
const skewSeconds = 60;

function appOfJwt(world: World, jwt: string): AppRecord {
  const [head = '', body = '', signature = ''] = jwt.split('.');
  const header = decode(head);
  const claims = decode(body);
  if (!isRecord(header) || !isRecord(claims) || header['alg'] !== 'RS256') {
    throw bad('A JSON web token could not be decoded');
  }
  const issuer = String(claims['iss']);
  const app = world.apps.find((one) => String(one.id) === issuer || one.clientId === issuer);
  if (app === undefined) throw bad('Integration not found');
  const signed = Buffer.from(`${head}.${body}`);
  const valid = verify('sha256', signed, app.publicKey, Buffer.from(signature, 'base64url'));
  if (!valid) throw bad('A JSON web token could not be decoded');
  const now = world.now() / 1000;
  const { exp, iat } = claims;
  if (typeof exp !== 'number' || exp <= now - skewSeconds) {
    throw bad(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time",
    );
  }
  if (exp > now + longestLifeSeconds + skewSeconds) {
    throw bad("'Expiration time' claim ('exp') is too far in the future");
  }
  if (typeof iat === 'number' && iat > now + skewSeconds) {
    throw bad("'Issued at' claim ('iat') must be an Integer representing a time in the past");
  }
  return app;
}

export function authenticate(world: World, header: string | undefined): Auth {
  if (header === undefined) return { kind: 'none' };
  const credential = header.replace(/^(bearer|token)\s+/i, '');
  if (credential.split('.').length === 3) return { kind: 'app', app: appOfJwt(world, credential) };
  const token = world.tokens.get(credential);
  if (token === undefined || token.expiresAtMs <= world.now()) throw bad('Bad credentials');
  if (token.installation !== null && token.installation.suspendedAtMs !== null) {
    throw new HttpError(403, 'This installation has been suspended');
  }
  return { kind: 'token', token };
}
