/**
 * Time-stamps of RFC 3161 over checkpoints: the request, and the judgement of a response by a
 * certificate that the reader trusts. CMS is RFC 5652, the certificate's attribute RFC 5816.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';
import {
  type Der,
  der,
  DerFault,
  expect,
  hexOf,
  inside,
  readAll,
  TAG,
  timeOf,
  unsigned,
} from './der.ts';

const oid = (hex: string): Buffer => der(TAG.oid, Buffer.from(hex, 'hex'));

const OID = {
  sha256: '608648016503040201',
  signedData: '2a864886f70d010702',
  timeStamp: '2a864886f70d0109100104',
  contentType: '2a864886f70d010903',
  messageDigest: '2a864886f70d010904',
  signingCertificate: '2a864886f70d010910020c',
  signingCertificateV2: '2a864886f70d010910022f',
} as const;

const HASHES: Readonly<Record<string, string>> = {
  [OID.sha256]: 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};

/** Signature algorithms and the hash that each names; null: the one of the signer's digest. */
const SIGNATURES: Readonly<Record<string, { key: string; hash: string | null }>> = {
  '2a864886f70d010101': { key: 'rsa', hash: null },
  '2a864886f70d01010b': { key: 'rsa', hash: 'sha256' },
  '2a864886f70d01010c': { key: 'rsa', hash: 'sha384' },
  '2a864886f70d01010d': { key: 'rsa', hash: 'sha512' },
  '2a8648ce3d040302': { key: 'ec', hash: 'sha256' },
  '2a8648ce3d040303': { key: 'ec', hash: 'sha384' },
  '2a8648ce3d040304': { key: 'ec', hash: 'sha512' },
};

/** The purpose that a certificate of such an authority must have, and no other counts. */
const PURPOSE = '1.3.6.1.5.5.7.3.8';
const LIMIT_BYTES = 100_000;

/** The SHA-256 that is stamped: over the exact text of a checkpoint's note. */
export function stampedHash(note: string): Buffer {
  return createHash('sha256').update(note, 'utf8').digest();
}

function imprint(sha256: Uint8Array): Buffer {
  const algorithm = der(TAG.sequence, oid(OID.sha256), der(TAG.null));
  return der(TAG.sequence, algorithm, der(TAG.octets, sha256));
}

/** A TimeStampReq over a SHA-256 that asks for the certificate as well. */
export function timeStampRequest(sha256: Uint8Array, nonce: Uint8Array): Buffer {
  const yes = der(TAG.boolean, Uint8Array.of(0xff));
  return der(TAG.sequence, unsigned(Uint8Array.of(1)), imprint(sha256), unsigned(nonce), yes);
}

function digest(hash: string, bytes: Uint8Array): string {
  return createHash(hash).update(bytes).digest('hex');
}

function hashOf(algorithm: Der | undefined): string {
  const [name] = inside(algorithm, TAG.sequence);
  const hash = HASHES[hexOf(name, TAG.oid)];
  if (hash === undefined) throw new DerFault('it uses a digest other than SHA-2');
  return hash;
}

/** The one value of an attribute; a second attribute of the same type would be another statement. */
function attribute(attributes: readonly Der[], type: string): Der | null {
  const found = attributes.filter((one) => hexOf(inside(one, TAG.sequence)[0], TAG.oid) === type);
  if (found.length === 0) return null;
  const [, values] = inside(found[0], TAG.sequence);
  const [value, ...more] = inside(values, TAG.set);
  if (found.length > 1 || value === undefined || more.length > 0) {
    throw new DerFault('an attribute is there twice');
  }
  return value;
}

/** The signature must name the certificate by its hash (ESSCertID), so that it cannot be exchanged. */
function namesCertificate(attributes: readonly Der[], certificate: X509Certificate): boolean {
  for (const [type, plain] of [
    [OID.signingCertificateV2, 'sha256'],
    [OID.signingCertificate, 'sha1'],
  ] as const) {
    const value = attribute(attributes, type);
    if (value === null) continue;
    const [list] = inside(value, TAG.sequence);
    const [first, second] = inside(inside(list, TAG.sequence)[0], TAG.sequence);
    const named = first?.tag === TAG.sequence;
    const hash = named ? hashOf(first) : plain;
    return hexOf(named ? second : first, TAG.octets) === digest(hash, certificate.raw);
  }
  return false;
}

/** Whether the signer's signature over the content is this certificate's. Throws DerFault. */
function isSignedBy(signer: Der, content: Uint8Array, certificate: X509Certificate): boolean {
  const [, , algorithm, signed, signing, signature] = inside(signer, TAG.sequence);
  const hash = hashOf(algorithm);
  const attributes = inside(signed, TAG.context0);
  const type = attribute(attributes, OID.contentType);
  const message = attribute(attributes, OID.messageDigest);
  if (type === null || hexOf(type, TAG.oid) !== OID.timeStamp) return false;
  if (message === null || hexOf(message, TAG.octets) !== digest(hash, content)) return false;
  if (!namesCertificate(attributes, certificate)) return false;
  const [name] = inside(signing, TAG.sequence);
  const how = SIGNATURES[hexOf(name, TAG.oid)];
  if (how === undefined || how.key !== certificate.publicKey.asymmetricKeyType) return false;
  // What is signed is the attributes as a SET, not with the tag that they have in their place.
  const text = der(TAG.set, expect(signed, TAG.context0).body);
  const bytes = expect(signature, TAG.octets).body;
  return verify(how.hash ?? hash, text, certificate.publicKey, bytes);
}

interface Statement {
  readonly sha256: string;
  readonly atMs: number;
  readonly nonce: string | null;
}

/** TSTInfo: what was stamped, when, and the nonce of the request. */
function readStatement(content: Uint8Array): Statement {
  const [whole, ...rest] = readAll(content);
  const [version, , stamped, , time, ...optional] = inside(whole, TAG.sequence);
  if (rest.length > 0 || hexOf(version, TAG.integer) !== '01') throw new DerFault('no TSTInfo');
  const [algorithm, hash] = inside(stamped, TAG.sequence);
  if (hashOf(algorithm) !== 'sha256') throw new DerFault('it is over another digest than SHA-256');
  const nonce = optional.find(({ tag }) => tag === TAG.integer);
  return {
    sha256: hexOf(hash, TAG.octets),
    atMs: timeOf(time),
    nonce: nonce === undefined ? null : Buffer.from(nonce.whole).toString('hex'),
  };
}

/** The token of a granted response: its content and its one signer. Throws DerFault. */
function readToken(response: Uint8Array): { readonly content: Uint8Array; readonly signer: Der } {
  if (response.length > LIMIT_BYTES) throw new DerFault('it is too large');
  const [whole, ...rest] = readAll(response);
  const [status, token] = inside(whole, TAG.sequence);
  const granted = hexOf(inside(status, TAG.sequence)[0], TAG.integer);
  if (rest.length > 0 || !/^0[01]$/.test(granted)) throw new DerFault('it was not granted');
  const [type, wrapped] = inside(token, TAG.sequence);
  if (hexOf(type, TAG.oid) !== OID.signedData) throw new DerFault('its token is no SignedData');
  const parts = inside(inside(wrapped, TAG.context0)[0], TAG.sequence);
  const [contentType, inner] = inside(parts[2], TAG.sequence);
  if (hexOf(contentType, TAG.oid) !== OID.timeStamp) throw new DerFault('its content is another');
  const content = expect(inside(inner, TAG.context0)[0], TAG.octets).body;
  const [signer, ...others] = inside(parts.at(-1), TAG.set);
  if (signer === undefined || others.length > 0) throw new DerFault('it has not one signer');
  return { content, signer };
}

/** The certificates of a PEM text; null when one cannot be read or there is none. */
export function readCertificates(pem: string): readonly X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  try {
    return blocks?.map((block) => new X509Certificate(block)) ?? null;
  } catch {
    return null;
  }
}

function isOfAuthority(certificate: X509Certificate, atMs: number): boolean {
  const purposes: readonly string[] | undefined = certificate.keyUsage;
  if (purposes?.length !== 1 || purposes[0] !== PURPOSE) return false;
  return Date.parse(certificate.validFrom) <= atMs && atMs <= Date.parse(certificate.validTo);
}

export interface StampToJudge {
  /** The whole TimeStampResp. */
  readonly response: Uint8Array;
  /** The note that it should be over. */
  readonly note: string;
  /** Of the authority itself, from whoever asks; never taken from the response. */
  readonly certificates: readonly X509Certificate[];
  /** The request's; left out when it is no longer known, as it guards the request alone. */
  readonly nonce?: Uint8Array;
}

/** When the authority saw the note, in milliseconds, or why the time-stamp proves nothing. */
export function judgeStamp(
  stamp: StampToJudge,
): { readonly atMs: number } | { readonly fault: string } {
  try {
    const { content, signer } = readToken(stamp.response);
    const said = readStatement(content);
    if (said.sha256 !== stampedHash(stamp.note).toString('hex')) {
      return { fault: 'it is not over this checkpoint' };
    }
    const nonce = stamp.nonce === undefined ? said.nonce : unsigned(stamp.nonce).toString('hex');
    if (said.nonce !== nonce) return { fault: 'it answers another request' };
    const whose = stamp.certificates.find((one) => isSignedBy(signer, content, one));
    if (whose === undefined) return { fault: 'the given certificate did not sign it' };
    if (isOfAuthority(whose, said.atMs)) return { atMs: said.atMs };
    return { fault: 'the certificate is not for time-stamps, or not of that time' };
  } catch (error) {
    if (error instanceof DerFault) return { fault: error.message };
    return { fault: 'its signature cannot be read' };
  }
}
