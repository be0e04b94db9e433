/** The forms of a bundle's files: one folder that holds a log and everything to check it with. */
import { z } from 'zod';
import { sha256Hex } from '../canonical.ts';
import type { Detail } from './scribe.ts';

/** Names of the files that the verifier itself reads. */
export const FILES = {
  manifest: 'manifest.json',
  manifestNote: 'manifest.json.note',
  events: 'events.jsonl',
  hashes: 'hashes.txt',
  checkpoints: 'checkpoints.txt',
  details: 'details.jsonl',
} as const;

export interface BundleFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest {
  readonly v: 1;
  readonly origin: string;
  readonly size: number;
  readonly root: string;
  readonly files: readonly BundleFile[];
}

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  v: z.literal(1),
  origin: z.string(),
  size: z.int().min(0),
  root: z.string().regex(/^([0-9a-f]{64})?$/),
  files: z.array(
    z.strictObject({
      name: z.string().regex(/^[\w.-]+(?:\/[\w.-]+)?$/),
      bytes: z.int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/** Reads a manifest; null when it is none of ours. */
export function readManifest(text: string): Manifest | null {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(text));
    if (!parsed.success) return null;
    const names = new Set(parsed.data.files.map((file) => file.name));
    return names.size === parsed.data.files.length ? parsed.data : null;
  } catch {
    return null;
  }
}

/**
 * What is signed of a manifest. Its second line is no number, so that nobody can take it for a
 * checkpoint.
 */
export function manifestText(origin: string, manifest: string): string {
  return `tagout-manifest/v1\n${origin}\n${sha256Hex(manifest)}\n`;
}

/** Notes one after the other, with an empty line between them. */
export function checkpointsText(notes: readonly string[]): string {
  return notes.join('\n');
}

/** The notes of `checkpoints.txt`; null when the file is cut. */
export function readCheckpointsText(text: string): readonly string[] | null {
  if (text === '') return [];
  if (!text.endsWith('\n')) return null;
  const parts = text.slice(0, -1).split('\n\n');
  if (parts.length % 2 !== 0) return null;
  return Array.from({ length: parts.length / 2 }, (_, at) => {
    const [signed, signatures] = [parts[at * 2] ?? '', parts[at * 2 + 1] ?? ''];
    return `${signed}\n\n${signatures}\n`;
  });
}

/** A personal text of the bundle, with the leaf that commits to it. */
export interface BundleDetail extends Detail {
  readonly leaf: number;
}

const detailSchema = z.strictObject({
  leaf: z.int().min(0),
  path: z.string(),
  salt: z.base64(),
  value: z.string(),
});

export function detailLine({ leaf, path, salt, value }: BundleDetail): string {
  const encoded = Buffer.from(salt).toString('base64');
  return `${JSON.stringify({ leaf, path, salt: encoded, value })}\n`;
}

/** Reads a line of `details.jsonl`; null when it is not one as `detailLine` writes it. */
export function readDetailLine(line: string): BundleDetail | null {
  try {
    const parsed = detailSchema.safeParse(JSON.parse(line));
    if (!parsed.success) return null;
    const detail = { ...parsed.data, salt: Buffer.from(parsed.data.salt, 'base64') };
    return detailLine(detail) === `${line}\n` ? detail : null;
  } catch {
    return null;
  }
}

/** The installation that a log's origin names, or null. */
export function installationOf(origin: string): number | null {
  const digits = /\/(\d{1,15})$/.exec(origin)?.[1];
  return digits === undefined ? null : Number(digits);
}
