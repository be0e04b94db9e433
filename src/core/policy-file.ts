/**
 * Reads one policy file: YAML 1.2 core without aliases or tags, at most 64 KiB, unique keys, then
 * the strict schema. Every problem names the file, the line, the key and the nearest right name.
 */
import {
  type Document,
  LineCounter,
  isAlias,
  isMap,
  isNode,
  isScalar,
  parseAllDocuments,
  visit,
} from 'yaml';
import { z } from 'zod';
import type { PolicyFile } from './evidence.ts';
import { remembered } from './memo.ts';
import { nearestName } from './near-names.ts';
import type { PolicyProblem } from './policy.ts';
import { type PolicyPart, policyPart } from './policy-part.ts';
import { policyFileSchema, policyKeysAt } from './policy-schema.ts';

/** Largest policy file in bytes. */
export const maxPolicyBytes: number = 64 * 1024;

export interface ParsedPolicy {
  /** What the file says; with problems only what could still be understood. */
  readonly part: PolicyPart;
  readonly problems: readonly PolicyProblem[];
}

/** `acme/shop: .github/tagout.yml`, as problems and notes name a policy file. */
export function policyFileName(file: Pick<PolicyFile, 'repo' | 'path'>): string {
  return `${file.repo}: ${file.path}`;
}

type Path = readonly PropertyKey[];

class Reader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly problems: PolicyProblem[] = [];

  constructor(file: Pick<PolicyFile, 'repo' | 'path'>, lines: LineCounter) {
    this.#file = policyFileName(file);
    this.#lines = lines;
  }

  line(offset: number | undefined): number | null {
    return offset === undefined ? null : this.#lines.linePos(offset).line;
  }

  /** Notes a problem; the sentence is completed with the place, so it starts after it. */
  add(line: number | null, path: Path | null, what: string): void {
    const key = path === null || path.length === 0 ? null : path.map(String).join('.');
    const place = line === null ? this.#file : `${this.#file}, line ${line}`;
    const message = key === null ? `${place}: ${what}` : `${place}: \`${key}\` ${what}`;
    this.problems.push({ file: this.#file, line, key, message });
  }
}

function sizeBytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

const dangerousKeys = new Set(['__proto__', 'constructor', 'prototype']);

function checkSyntax(document: Document, reader: Reader): void {
  // A directive could switch to YAML 1.1, where `no` is a boolean and merge keys exist.
  if (document.directives?.yaml.explicit === true) {
    reader.add(1, null, 'directives (`%YAML`) are not allowed; YAML 1.2 is read always');
  }
  for (const error of [...document.errors, ...document.warnings]) {
    const first = error.message.split('\n')[0] ?? error.message;
    reader.add(reader.line(error.pos[0]), null, `is not valid YAML: ${first.replace(/:$/, '')}`);
  }
  visit(document, (_, node) => {
    if (!isNode(node)) return;
    const line = reader.line(node.range?.[0]);
    if (isAlias(node)) reader.add(line, null, 'aliases (`*name`) are not allowed; write it out');
    else if (node.anchor !== undefined && node.anchor !== '') {
      reader.add(line, null, 'anchors (`&name`) are not allowed; write it out');
    } else if (node.tag?.startsWith('!') === true) {
      reader.add(line, null, `the tag \`${node.tag}\` is not allowed`);
    } else if (isScalar(node) && typeof node.value === 'string' && dangerousKeys.has(node.value)) {
      reader.add(line, null, `\`${node.value}\` is not allowed as a name`);
    } else if (isScalar(node) && typeof node.value === 'string' && !node.value.isWellFormed()) {
      // Half a surrogate pair has no canonical form, so the policy would have no digest.
      reader.add(line, null, 'an escape (`\\uD800` to `\\uDFFF`) stands for half a character');
    }
  });
}

function lineOfPath(document: Document, path: Path, reader: Reader): number | null {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range !== undefined && node.range !== null) {
      return reader.line(node.range[0]);
    }
  }
  return null;
}

function lineOfKey(document: Document, path: Path, key: string, reader: Reader): number | null {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return lineOfPath(document, path, reader);
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  const offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  return reader.line(offset);
}

type Issue = z.core.$ZodIssue;

/** Of a union the branch that came nearest: whose first complaint lies deepest. */
function nearestIssues(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const depth = (branch: readonly Issue[]): number =>
    Math.max(...branch.map((inner) => inner.path.length + (inner.code === 'invalid_type' ? 0 : 1)));
  const best = issue.errors.toSorted((x, y) => depth(y) - depth(x) || x.length - y.length)[0];
  return (best ?? []).flatMap((inner) =>
    nearestIssues({ ...inner, path: [...issue.path, ...inner.path] }),
  );
}

function sentence(issue: Issue): string {
  if (issue.code === 'invalid_type') return `must be ${article(issue.expected)}`;
  if (issue.code === 'invalid_value') {
    return `must be ${issue.values.map((value) => `\`${String(value)}\``).join(' or ')}`;
  }
  if (issue.code === 'too_small') return `must be at least ${issue.minimum} (${issue.origin})`;
  if (issue.code === 'too_big') return `must be at most ${issue.maximum} (${issue.origin})`;
  if (issue.message.startsWith('is ') || issue.message.startsWith('names ')) {
    return `is not right: a value here ${issue.message}`;
  }
  return `is not right: ${issue.message}`;
}

function article(type: string): string {
  if (type === 'int') return 'a whole number';
  if (type === 'object' || type === 'record') return 'a mapping of keys';
  if (type === 'array') return 'a list';
  if (type === 'boolean') return '`true` or `false`';
  return type === 'string' ? 'text (in quotes when it looks like a number)' : `a ${type}`;
}

function addIssue(document: Document, issue: Issue, reader: Reader): void {
  if (issue.code !== 'unrecognized_keys') {
    reader.add(lineOfPath(document, issue.path, reader), issue.path, sentence(issue));
    return;
  }
  for (const key of issue.keys) {
    const right = policyKeysAt(issue.path);
    const nearest = nearestName(key, right);
    const hint =
      nearest === null ? `the keys here are ${right.join(', ')}` : `did you mean \`${nearest}\`?`;
    const line = lineOfKey(document, issue.path, key, reader);
    reader.add(line, [...issue.path, key], `is not a key of the policy; ${hint}`);
  }
}

/** Leaves out the top-level keys with a problem, so that the rest of a floor still speaks. */
function salvage(value: unknown, issues: readonly Issue[]): PolicyPart {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const broken = new Set(
    issues.flatMap((issue) => (issue.path.length === 0 ? [] : [String(issue.path[0])])),
  );
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) {
      for (const key of issue.keys) broken.add(key);
    }
  }
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !broken.has(key)));
  const again = policyFileSchema.safeParse(rest);
  return again.success ? policyPart(again.data) : {};
}

/** Reads a policy file. A file that is not there or is empty says nothing and has no problem. */
export function parsePolicyFile({ repo, path, text }: PolicyFile): ParsedPolicy {
  if (text === null) return { part: {}, problems: [] };
  return parsedBefore(JSON.stringify([repo, path, text]));
}

/** By repository, path and text as JSON: every event of a repository brings the same file. */
const parsedBefore: (file: string) => ParsedPolicy = remembered(1_000_000, (file) => {
  const [repo, path, text] = z.tuple([z.string(), z.string(), z.string()]).parse(JSON.parse(file));
  return parseAnew({ repo, path }, text);
});

function parseAnew(file: Pick<PolicyFile, 'repo' | 'path'>, text: string): ParsedPolicy {
  const lines = new LineCounter();
  const reader = new Reader(file, lines);
  const size = sizeBytes(text);
  if (size > maxPolicyBytes) {
    reader.add(null, null, `is ${size} bytes large; a policy file has at most ${maxPolicyBytes}`);
    return { part: {}, problems: reader.problems };
  }
  const documents = parseAllDocuments(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    stringKeys: true,
    uniqueKeys: true,
    lineCounter: lines,
    prettyErrors: false,
  });
  const [document, second] = 'empty' in documents ? [] : documents;
  if (document === undefined) return { part: {}, problems: [] };
  if (second !== undefined) reader.add(reader.line(second.range[0]), null, 'has a second document');
  checkSyntax(document, reader);
  if (reader.problems.length > 0) return { part: {}, problems: reader.problems };
  const value: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
  const parsed = policyFileSchema.safeParse(value);
  if (parsed.success) return { part: policyPart(parsed.data), problems: [] };
  const issues = parsed.error.issues.flatMap(nearestIssues);
  for (const issue of issues) addIssue(document, issue, reader);
  return { part: salvage(value, issues), problems: reader.problems };
}
