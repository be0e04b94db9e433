/** The generated part of docs/policy.md: every key of the policy file, from its JSON Schema. */
import { z } from 'zod';
import { defaultEnvironmentRule, defaultPolicy } from '../../src/core/policy-default.ts';
import { policyJsonSchema } from '../../src/core/policy-schema.ts';
import { table } from './tables.ts';

const schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  const: z.union([z.string(), z.number()]).optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
});
type Schema = z.infer<typeof schema>;

export interface Key {
  /** `environments.NAME.match`; a row of a list is `agents[].name`. */
  readonly path: string;
  readonly value: string;
  readonly required: boolean;
  readonly means: string | undefined;
}

const code = (text: string): string => `\`${text}\``;

/** Patterns whose form is easier to say than to read. */
const FORMS: Readonly<Record<string, string>> = {
  '^[1-9][0-9]{0,5}[smhd]$': 'a duration such as `30m`, `24h`, `7d`',
  '^[0-9a-f]{7,64}$': 'a commit SHA',
};

function form(one: Schema): string {
  if (one.$ref !== undefined) return '[a rule about teams](#a-rule-about-teams)';
  if (one.const !== undefined) return code(String(one.const));
  if (one.enum !== undefined) return one.enum.map(code).join(' or ');
  if (one.anyOf !== undefined) {
    return [...new Set(one.anyOf.map((each) => form(schema.parse(each))))].join(' or ');
  }
  if (one.type === 'array') return listForm(schema.parse(one.items));
  if (one.type === 'object') return one.properties === undefined ? 'names' : 'keys';
  if (one.type === 'boolean') return '`true` or `false`';
  if (one.type === 'integer') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = one;
    const most = maximum === Number.MAX_SAFE_INTEGER ? 'up' : `to ${maximum.toLocaleString('en')}`;
    return `a whole number from ${minimum} ${most}`;
  }
  if (one.pattern === undefined) return 'text';
  return (
    FORMS[one.pattern] ?? (one.pattern.startsWith('^(Mon') ? '`Fri 18:00`' : '`2026-12-20T00:00`')
  );
}

function listForm(row: Schema): string {
  if (row.type === 'object' || row.anyOf !== undefined) return 'a list of rows';
  if (row.$ref !== undefined) return 'a list of [rules about teams](#a-rule-about-teams)';
  return row.type === 'integer' ? 'a list of whole numbers' : 'a list of texts';
}

/** Every key below a node, with its path. A key that two choices both have comes once. */
export function keysOf(node: unknown, path = ''): readonly Key[] {
  const one = schema.parse(node);
  const required = new Set(one.required ?? []);
  const own = Object.entries(one.properties ?? {}).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const each = schema.parse(value);
    const key = { path: at, value: form(each), required: required.has(name) };
    return [{ ...key, means: each.description }, ...keysOf(value, at)];
  });
  const rows = one.items === undefined ? [] : keysOf(one.items, `${path}[]`);
  const named =
    typeof one.additionalProperties === 'object' && one.additionalProperties !== null
      ? keysOf(one.additionalProperties, `${path}.NAME`)
      : [];
  const choices = (one.anyOf ?? [])
    .map((choice) => keysOf(choice, path))
    .filter((keys) => keys.length > 0);
  // A key that only one of several choices has is left out with that choice.
  const inAll = ({ path: at }: Key): boolean =>
    choices.every((keys) => keys.some((key) => key.path === at));
  const chosen = choices.flat().map((key) => ({ ...key, required: key.required && inAll(key) }));
  const all = [...own, ...rows, ...named, ...chosen];
  return [...new Map(all.map((key) => [key.path, key])).values()];
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0 && ms >= each) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

/** What the built-in default says at a path; empty where it says nothing. */
function defaultAt(path: string): string {
  const rule = /^environments\.NAME\.(.*)$/.exec(path)?.[1];
  const steps = (rule ?? path).split('.');
  let value: unknown = rule === undefined ? defaultPolicy : defaultEnvironmentRule;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return '';
    const found = Object.entries(value).find(([key]) => key === step || key === `${step}Ms`);
    if (found === undefined) return '';
    value = found[0] === step ? found[1] : durationText(Number(found[1]));
  }
  if (value === null || (Array.isArray(value) && value.length === 0)) return '–';
  if (Array.isArray(value)) return value.map(code).join(' ');
  return typeof value === 'object' ? '' : code(JSON.stringify(value).replaceAll('"', ''));
}

const section = (path: string): string => /^\w+/.exec(path)?.[0] ?? '';

/** The four levels have the same keys: one row stands for all of them, with the default of each. */
function levelsTogether(keys: readonly Key[]): readonly Key[] {
  return keys.filter(({ path }) => !/\.reviews\.(?:medium|high|critical)\b/.test(path));
}

const LEVELS = ['low', 'medium', 'high', 'critical'];

function rowOf({ path, value, required, means = '' }: Key): readonly string[] {
  const shown = path.replace('.reviews.low', '.reviews.LEVEL');
  if (shown === path) {
    return [code(path), value, required ? 'must be given' : defaultAt(path), means];
  }
  const defaults = LEVELS.map((level) => defaultAt(path.replace('.low', `.${level}`)));
  const fallback = defaults[0] === '' ? '' : defaults.join(' ');
  return [
    code(shown),
    value,
    fallback,
    means.replace(' of low blast radius', ' of this blast radius'),
  ];
}

/** A heading and a table for each key with keys below it, and one for rules about teams. */
export function policyKeys(): string {
  const root = z.looseObject({ $defs: z.looseObject({ TeamRule: z.unknown() }) });
  const whole = root.parse(policyJsonSchema());
  const keys = levelsTogether(keysOf(whole));
  const sections = Map.groupBy(keys, ({ path }) => section(path));
  const plain = [...sections.values()].filter((own) => own.length === 1).flat();
  const parts = [...sections]
    .filter(([, own]) => own.length > 1)
    .map(([name, own]) => `### ${name}\n\n${rowsOf(own)}`);
  const teams = keysOf(whole.$defs.TeamRule);
  const rest = `### A rule about teams\n\n${rowsOf(teams)}`;
  return [`### At the top\n\n${rowsOf(plain)}`, ...parts, rest].join('\n\n');
}

function rowsOf(keys: readonly Key[]): string {
  return table(['Key', 'Value', 'Default', 'Means'], keys.map(rowOf));
}
