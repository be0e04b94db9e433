/**
 * C2SP signed notes (c2sp.org/signed-note) and checkpoints (c2sp.org/tlog-checkpoint) with Ed25519
 * keys. A note that does not parse or verify is `null`, never an exception: it is someone's input.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { HASH_BYTES, type Hash } from './merkle.ts';

const ED25519 = 0x01;
/** A signature with a time: tlog-cosignature, version 1. */
const COSIGNATURE = 0x04;
const SIGNATURE_BYTES = 64;
/** DER of an Ed25519 public key before its 32 bytes (RFC 8410). */
const SPKI_PREFIX: Buffer = Buffer.from('302a300506032b6570032100', 'hex');

/** Who may sign: name, key id and public key. */
export interface Verifier {
  readonly name: string;
  /** Four bytes, as eight hex digits. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** ASCII control characters other than the newline, which no note may hold. */
function hasControl(text: string): boolean {
  return Array.from(text).some((char) => char < ' ' && char !== '\n');
}

function isName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+]/u.test(name) && !hasControl(name);
}

function rawPublicKey(key: KeyObject): Buffer {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return open.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length);
}

function keyIdOf(name: string, raw: Uint8Array, type: number = ED25519): string {
  return createHash('sha256')
    .update(name, 'utf8')
    .update(Uint8Array.of(0x0a, type))
    .update(raw)
    .digest()
    .subarray(0, 4)
    .toString('hex');
}

/** The verifier key text of an Ed25519 key (private or public): `name+keyid+base64`. */
export function vkeyOf(name: string, key: KeyObject): string {
  const raw = rawPublicKey(key);
  const encoded = Buffer.concat([Uint8Array.of(ED25519), raw]).toString('base64');
  return `${name}+${keyIdOf(name, raw)}+${encoded}`;
}

/** Reads a verifier key; null when it is malformed, of another type, or its key id is wrong. */
export function parseVkey(vkey: string): Verifier | null {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(vkey);
  const [, name, keyId, encoded] = match ?? [];
  if (name === undefined || keyId === undefined || encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== ED25519 || !isName(name)) return null;
  if (bytes.toString('base64') !== encoded) return null;
  const raw = bytes.subarray(1);
  if (keyIdOf(name, raw) !== keyId) return null;
  const der = Buffer.concat([SPKI_PREFIX, raw]);
  return { name, keyId, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

/** Signs a text that ends with a newline; the note is the text, an empty line and the signature. */
export function signNote(text: string, name: string, privateKey: KeyObject): string {
  if (!text.endsWith('\n')) throw new RangeError('The text of a note ends with a newline.');
  if (!isName(name)) throw new RangeError('The name of a key has no spaces and no plus sign.');
  const id = Buffer.from(keyIdOf(name, rawPublicKey(privateKey)), 'hex');
  const signature = sign(null, Buffer.from(text, 'utf8'), privateKey);
  return `${text}\n— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
}

/** One signature line, read; null when it is malformed. */
function parseSignature(line: string): { name: string; keyId: string; signature: Buffer } | null {
  const match = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
  const [, name, encoded] = match ?? [];
  if (name === undefined || encoded === undefined || !isName(name)) return null;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length < 5 || bytes.toString('base64') !== encoded) return null;
  return { name, keyId: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) };
}

/**
 * The signed text of a note and which of the given keys signed it. Null: malformed, or a signature
 * that carries a given key's name and id is wrong, or none of the keys signed.
 */
export function openNote(
  note: string,
  verifiers: readonly Verifier[],
): { readonly text: string; readonly signers: readonly Verifier[] } | null {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n') || note.length > 1_000_000) return null;
  if (!note.isWellFormed() || hasControl(note)) return null;
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split('\n');
  const signatures = lines.map(parseSignature);
  if (lines.length > 100) return null;
  const signers: Verifier[] = [];
  for (const row of signatures) {
    if (row === null) return null;
    const known = verifiers.find((v) => v.name === row.name && v.keyId === row.keyId);
    if (known === undefined || signers.includes(known)) continue;
    if (!verify(null, Buffer.from(text, 'utf8'), known.publicKey, row.signature)) return null;
    signers.push(known);
  }
  return signers.length === 0 ? null : { text, signers };
}

/** The three lines that a checkpoint signs; no extension lines. */
export function checkpointText(checkpoint: Checkpoint): string {
  const root = Buffer.from(checkpoint.root).toString('base64');
  return `${checkpoint.origin}\n${checkpoint.size}\n${root}\n`;
}

/** Reads a checkpoint's text; null when it is malformed or carries extension lines. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/u.exec(text);
  const [, origin, digits, encoded] = match ?? [];
  if (origin === undefined || digits === undefined || encoded === undefined) return null;
  const size = Number(digits);
  const root = Buffer.from(encoded, 'base64');
  if (!Number.isSafeInteger(size) || root.length !== HASH_BYTES) return null;
  return root.toString('base64') === encoded ? { origin, size, root } : null;
}

function timedText(text: string, atSeconds: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${atSeconds}\n${text}`, 'utf8');
}

/** The line that signs a checkpoint's text together with a time, in whole seconds. */
export function cosignatureLine(
  text: string,
  signer: { readonly name: string; readonly privateKey: KeyObject },
  atMs: number,
): string {
  const atSeconds = Math.floor(atMs / 1000);
  const raw = rawPublicKey(signer.privateKey);
  const head = Buffer.alloc(12);
  head.write(keyIdOf(signer.name, raw, COSIGNATURE), 'hex');
  head.writeBigUInt64BE(BigInt(atSeconds), 4);
  const signature = sign(null, timedText(text, atSeconds), signer.privateKey);
  return `— ${signer.name} ${Buffer.concat([head, signature]).toString('base64')}\n`;
}

/**
 * When a key says that it signed, in milliseconds. Null: it did not sign with a time, or one of its
 * signatures is wrong.
 */
export function signedTime(note: string, verifier: Verifier): number | null {
  const end = note.lastIndexOf('\n\n');
  if (end === -1 || !note.endsWith('\n')) return null;
  const text = note.slice(0, end + 1);
  const keyId = keyIdOf(verifier.name, rawPublicKey(verifier.publicKey), COSIGNATURE);
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const row = parseSignature(line);
    if (row === null || row.name !== verifier.name || row.keyId !== keyId) continue;
    if (row.signature.length !== 8 + SIGNATURE_BYTES) return null;
    const atSeconds = Number(row.signature.readBigUInt64BE(0));
    if (!Number.isSafeInteger(atSeconds * 1000)) return null;
    const signed = timedText(text, atSeconds);
    const good = verify(null, signed, verifier.publicKey, row.signature.subarray(8));
    return good ? atSeconds * 1000 : null;
  }
  return null;
}

/**
 * Signs a checkpoint; the key's name is the log's origin, as C2SP advises. A second line signs the
 * time as well, so that no number of a checkpoint stands outside a signature.
 */
export function signCheckpoint(
  checkpoint: Checkpoint,
  privateKey: KeyObject,
  atMs?: number,
): string {
  const text = checkpointText(checkpoint);
  const note = signNote(text, checkpoint.origin, privateKey);
  if (atMs === undefined) return note;
  return note + cosignatureLine(text, { name: checkpoint.origin, privateKey }, atMs);
}
