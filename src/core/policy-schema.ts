/** The policy file as its author writes it, key by key: strict, bounded, nothing coerced. */
import { z } from 'zod';
import type { PolicyText, TeamRuleText } from './policy-text.ts';
import { POLICY_KEYS } from './words/policy-keys.ts';

const durationUnitsMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const duration = z
  .string()
  .regex(/^[1-9][0-9]{0,5}[smhd]$/, 'is a duration like 30m, 24h or 7d')
  .meta({ description: 'A duration: 30s, 30m, 24h, 7d.' });

/** Milliseconds of a duration that the schema has let through. */
export function durationMs(text: string): number {
  const unit = z.enum(['s', 'm', 'h', 'd']).parse(text.at(-1));
  return Number(text.slice(0, -1)) * durationUnitsMs[unit];
}

const text = z.string().min(1).max(1000);
const glob = z.string().min(1).max(500);
const list = <T extends z.ZodType>(item: T): z.ZodArray<T> => z.array(item).max(1000);
const radius = z.enum(['low', 'medium', 'high', 'critical']);
const count = z.int().min(1).max(20);
const githubId = z.int().min(1);
const limit = z.int().min(0);

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const timeZone = text.refine(isTimeZone, 'is a time zone like Europe/Berlin or UTC');
const localTime = z
  .string()
  .regex(
    /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d$/,
    'is a local time like 2026-12-20T00:00',
  );
const weeklyTime = z
  .string()
  .regex(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01]\d|2[0-3]):[0-5]\d$/, 'is a time like Fri 18:00');

const teamRule: z.ZodType<TeamRuleText> = z
  .strictObject({
    teams: list(text).min(1).optional(),
    get allOf(): z.ZodOptional<z.ZodArray<z.ZodType<TeamRuleText>>> {
      return z.array(teamRule).min(1).max(20).optional();
    },
    get anyOf(): z.ZodOptional<z.ZodArray<z.ZodType<TeamRuleText>>> {
      return z.array(teamRule).min(1).max(20).optional();
    },
  })
  .refine(
    (rule) => rule.teams !== undefined || rule.allOf !== undefined || rule.anyOf !== undefined,
    'names at least one team',
  )
  .meta({ id: 'TeamRule' });

const reviewRule = z.strictObject({
  count: count.optional(),
  maxAge: duration.optional(),
  teams: list(text).min(1).optional(),
  allOf: z.array(teamRule).min(1).max(20).optional(),
  anyOf: z.array(teamRule).min(1).max(20).optional(),
});

const freezeWindow = z.union([
  z.strictObject({ name: text, from: localTime, to: localTime, timeZone }),
  z.strictObject({
    name: text,
    weekly: z.strictObject({ from: weeklyTime, to: weeklyTime }),
    timeZone,
  }),
]);

const environmentRule = z.strictObject({
  match: list(glob).min(1).optional(),
  after: list(text).optional(),
  scope: list(glob).min(1).optional(),
  notDeployer: z.boolean().optional(),
  reviews: z
    .strictObject({
      low: reviewRule.optional(),
      medium: reviewRule.optional(),
      high: reviewRule.optional(),
      critical: reviewRule.optional(),
    })
    .optional(),
  rollback: z.enum(['review', 'allow']).optional(),
  backup: z.strictObject({ from: radius, maxAge: duration, restoreWithin: duration }).optional(),
  freeze: list(freezeWindow).optional(),
  breakGlass: z
    .strictObject({
      teams: list(text).optional(),
      count,
      lasts: duration,
      reviewWithin: duration,
    })
    .optional(),
});

const agentRow = z.strictObject({
  name: text,
  ids: list(githubId).optional(),
  apps: list(text).optional(),
  branches: list(glob).optional(),
  emails: list(text).optional(),
  operators: list(text).optional(),
});

const commitSha = z
  .string()
  .regex(/^[0-9a-f]{7,64}$/, 'is a commit SHA in lower case, in quotes when it is all digits');

const migrations = z.strictObject({
  folders: list(z.strictObject({ path: text, framework: text })).optional(),
  postgres: z.int().min(9).max(99).optional(),
  baseline: z.union([z.enum(['replay', 'snapshot']), z.strictObject({ schema: text })]).optional(),
  seed: list(text).optional(),
  rows: z.int().min(0).max(1_000_000).optional(),
  statistics: text.optional(),
  timeout: duration.optional(),
});

/** The whole file. `.github/tagout.yml` in a repository, and the floor in `.github`. */
export const policyFileSchema: z.ZodType<PolicyText> = z.strictObject({
  version: z.literal(1).optional(),
  agents: list(agentRow).optional(),
  people: list(z.strictObject({ id: githubId, emails: list(text) })).optional(),
  suspended: list(text).optional(),
  undeclared: z.enum(['agent', 'human']).optional(),
  solo: z.boolean().optional(),
  accepted: z
    .union([
      z.literal('never'),
      list(z.strictObject({ from: commitSha.optional(), through: commitSha, reason: text })),
    ])
    .optional(),
  environments: z.record(z.string().min(1).max(255), environmentRule).optional(),
  migrations: migrations.optional(),
  paths: z
    .strictObject({
      low: list(glob).optional(),
      medium: list(glob).optional(),
      high: list(glob).optional(),
      critical: list(glob).optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      openPullRequests: limit.optional(),
      evaluationsPerHour: limit.optional(),
      productionDeploymentsPerHour: limit.optional(),
      productionDeploymentsPerDay: limit.optional(),
      highOrCriticalPerDay: limit.optional(),
    })
    .optional(),
  audit: z.strictObject({ readers: teamRule.optional() }).optional(),
});

const jsonObject = z.record(z.string(), z.unknown());

/** The same node of a JSON Schema, with what its keys mean; they stand before their types. */
function described(node: unknown, path: string): unknown {
  if (Array.isArray(node)) return node.map((one) => described(one, path));
  const parsed = jsonObject.safeParse(node);
  if (!parsed.success) return node;
  const entries = Object.entries(parsed.data).map(([key, value]): [string, unknown] => {
    if (key === 'properties') return [key, keysDescribed(value, path)];
    if (key === 'additionalProperties') return [key, described(value, `${path}.*`)];
    if (key === 'items') return [key, described(value, `${path}[]`)];
    return [key, key === 'anyOf' ? described(value, path) : value];
  });
  return Object.fromEntries(entries);
}

function keysDescribed(properties: unknown, path: string): unknown {
  const entries = Object.entries(jsonObject.parse(properties)).map(([key, value]) => {
    const at = path === '' ? key : `${path}.${key}`;
    const description = POLICY_KEYS[at];
    const node = jsonObject.parse(described(value, at));
    return [key, description === undefined ? node : { ...node, description }];
  });
  return Object.fromEntries(entries);
}

/** JSON Schema (2020-12) of the policy file, for editors and for finding the nearest right key. */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  const { $defs, ...schema } = z.toJSONSchema(policyFileSchema, { io: 'input' });
  const definitions = Object.entries($defs ?? {}).map(([name, one]) => [
    name,
    described(one, name),
  ]);
  return {
    ...jsonObject.parse(described(schema, '')),
    $defs: Object.fromEntries(definitions),
    title: 'Tagout policy',
    description: '.github/tagout.yml: who must review what before it is deployed.',
  };
}

const schemaNode = z.looseObject({
  $ref: z.string().optional(),
  $defs: z.record(z.string(), z.unknown()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
});
type SchemaNode = z.infer<typeof schemaNode>;

/** The nodes of the JSON Schema that a path leads to; more than one where the schema has choices. */
function nodesAt(root: SchemaNode, path: readonly PropertyKey[]): readonly SchemaNode[] {
  const opened = (value: unknown): SchemaNode[] => {
    const parsed = schemaNode.safeParse(value);
    if (!parsed.success) return [];
    const { $ref, anyOf } = parsed.data;
    if ($ref !== undefined) return opened(root.$defs?.[$ref.replace('#/$defs/', '')]);
    return anyOf === undefined ? [parsed.data] : anyOf.flatMap(opened);
  };
  return path.reduce<readonly SchemaNode[]>(
    (nodes, step) =>
      nodes.flatMap((node) =>
        typeof step === 'number'
          ? opened(node.items)
          : opened(node.properties?.[String(step)] ?? node.additionalProperties),
      ),
    opened(root),
  );
}

/** The right keys at a place of the policy file, as the schema knows them. */
export function policyKeysAt(path: readonly PropertyKey[]): readonly string[] {
  const nodes = nodesAt(schemaNode.parse(policyJsonSchema()), path);
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}
