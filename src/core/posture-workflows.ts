/** What a workflow file tells of its jobs: the environment they name and the secrets they use. */
import { parse } from 'yaml';
import { z } from 'zod';
import type { WorkflowText } from './posture.ts';

export interface JobFacts {
  /** The job's key in the file. */
  readonly job: string;
  /** Null: it names none. `''`: an expression, so that the file does not tell. */
  readonly environment: string | null;
  /** `environment.deployment: false`: secrets are given, and no deployment is made. */
  readonly withoutDeployment: boolean;
  /** Names of the secrets it can read, `*` for all; GITHUB_TOKEN is not one. */
  readonly secrets: readonly string[];
  /** Its name or the names of its secrets speak of production. */
  readonly deploys: boolean;
}

const loose = z.record(z.string(), z.unknown());

const DEPLOYS = /deploy|release|publish|migrat|rollout|terraform|helm|kube|\bprod/i;
const SECRET_OF_PRODUCTION =
  /prod|deploy|kube|aws|gcp|google|azure|database|(?:^|_)(?:db|ssh|pg)(?:_|$)|terraform|vault/i;

/** Every text in a value, with the keys it stands under left out. */
function* textsIn(value: unknown, depth = 0): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null || depth > 20) return;
  for (const inner of Object.values(value)) yield* textsIn(inner, depth + 1);
}

/** Names of secrets in the expressions of a text; `*` for an index that is computed, or for all. */
function secretsIn(text: string): readonly string[] {
  const expressions = text.match(/\$\{\{[^]*?\}\}/g) ?? [];
  return expressions.flatMap((expression) => {
    const found = [
      ...expression.matchAll(/\bsecrets\b(?:\s*\.\s*([A-Za-z_]\w*)|\s*\[\s*'([^']+)'\s*\])?/gi),
    ];
    return found.map(([, dotted, indexed]) => dotted ?? indexed ?? '*');
  });
}

function secretsOf(...values: readonly unknown[]): readonly string[] {
  const names = values.flatMap((value) => [...textsIn(value)].flatMap(secretsIn));
  return [...new Set(names)].filter((name) => name.toUpperCase() !== 'GITHUB_TOKEN');
}

function environmentOf(value: unknown): Pick<JobFacts, 'environment' | 'withoutDeployment'> {
  if (value === undefined || value === null) return { environment: null, withoutDeployment: false };
  const map = loose.safeParse(value).data;
  const name = map === undefined ? value : map['name'];
  const withoutDeployment = map?.['deployment'] !== undefined && map['deployment'] !== true;
  const told = typeof name === 'string' && !name.includes('${{');
  return { environment: told ? name : '', withoutDeployment };
}

function jobOf(id: string, value: unknown, shared: unknown): JobFacts {
  const job = loose.safeParse(value).data ?? {};
  const inherits = job['secrets'] === 'inherit' ? ['*'] : [];
  const secrets = [...new Set([...secretsOf(job, shared), ...inherits])];
  const name = typeof job['name'] === 'string' ? job['name'] : '';
  const deploys =
    DEPLOYS.test(`${id} ${name}`) || secrets.some((secret) => SECRET_OF_PRODUCTION.test(secret));
  return { job: id, ...environmentOf(job['environment']), secrets, deploys };
}

/** The jobs of a workflow file, or null when it cannot be read as one. */
export function jobsOf(file: WorkflowText): readonly JobFacts[] | null {
  if (file.text === null) return null;
  let parsed: unknown;
  try {
    parsed = parse(file.text, { version: '1.2', schema: 'core', maxAliasCount: 100 });
  } catch {
    return null;
  }
  const workflow = loose.safeParse(parsed).data;
  const jobs = loose.safeParse(workflow?.['jobs']).data;
  if (workflow === undefined || jobs === undefined) return null;
  return Object.entries(jobs).map(([id, job]) => jobOf(id, job, workflow['env']));
}
