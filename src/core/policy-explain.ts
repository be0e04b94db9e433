/** Where each value of the effective policy comes from. */
import { canonicalText } from './canonical.ts';
import { effectivePolicy } from './effective-policy.ts';
import type { PolicyFile, PolicySources } from './evidence.ts';
import type { EffectivePolicy } from './policy.ts';
import { parsePolicyFile } from './policy-file.ts';

/** `file`: the repository's; `base`: the base branch's; `default`: no file names the key. */
export type ValueOrigin = 'floor' | 'file' | 'base' | 'default';

export interface ExplainedValue {
  /** `environments.production.reviews.high.count`; durations end in `Ms`. */
  readonly key: string;
  readonly value: unknown;
  /** Who names the key and holds this value; several when it is made of what they say. */
  readonly from: readonly ValueOrigin[];
}

export interface ExplainedPolicy {
  readonly effective: EffectivePolicy;
  readonly values: readonly ExplainedValue[];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every value that is not a mapping, by its key; lists are one value. */
function leaves(value: unknown, key = ''): readonly (readonly [string, unknown])[] {
  if (!isMap(value)) return value === undefined ? [] : [[key, value]];
  const entries = Object.entries(value);
  if (entries.length === 0 && key !== '') return [[key, value]];
  return entries.flatMap(([name, inner]) => leaves(inner, key === '' ? name : `${key}.${name}`));
}

function namedIn(file: PolicyFile | null): ReadonlyMap<string, unknown> {
  return file === null ? new Map() : new Map(leaves(parsePolicyFile(file).part));
}

/** The effective policy with the origin of each of its values. */
export function explainedPolicy(sources: PolicySources): ExplainedPolicy {
  const effective = effectivePolicy(sources);
  const named: readonly (readonly [ValueOrigin, ReadonlyMap<string, unknown>])[] = [
    ['floor', namedIn(sources.floor)],
    ['file', namedIn(sources.repository)],
    ['base', namedIn(sources.base)],
  ];
  const values = leaves(effective.policy).map(([key, value]): ExplainedValue => {
    const speakers = named.filter(([, keys]) => keys.has(key));
    const same = speakers.filter(
      ([, keys]) => canonicalText(keys.get(key)) === canonicalText(value),
    );
    const from = (same.length > 0 ? same : speakers).map(([origin]) => origin);
    return { key, value, from: from.length === 0 ? ['default'] : from };
  });
  return { effective, values };
}
