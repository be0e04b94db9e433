/**
 * `POST /graphql`, every query checked against GitHub's own schema. Answers are plain objects whose
 * members may be functions of the arguments, so that a new field is one line in graphql-*.ts.
 */
import { readFileSync } from 'node:fs';
import {
  buildASTSchema,
  execute,
  extendSchema,
  GraphQLError,
  isEnumType,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import type { FieldFault } from './faults.ts';
import { HttpError, isRecord, ok, whose, type Call, type Reply } from './http.ts';
import { accountNode, Refused, type Asking } from './graphql-nodes.ts';
import { organizationNode, repositoryNode } from './graphql-repo.ts';
import { rateJson } from './rate.ts';
import { iso } from './shapes.ts';
import type { Json } from './state.ts';

let schema: GraphQLSchema | null = null;

/** What GitHub's own schema has gained since the package was made (its changelog, 2025-09-12). */
const SINCE = 'extend enum RepositoryRulesetBypassActorBypassMode { EXEMPT }';

/** GitHub's schema, parsed when the first query comes (about 250 ms). */
export function githubSchema(): GraphQLSchema {
  if (schema !== null) return schema;
  const file = new URL('schema.graphql', import.meta.resolve('@octokit/graphql-schema'));
  const source = readFileSync(file, 'utf8');
  const tree = parse(source, { noLocation: true });
  const published = buildASTSchema(tree, { assumeValid: true, assumeValidSDL: true });
  const sees = published.getType('RepositoryRulesetBypassActorBypassMode');
  const knows = isEnumType(sees) && sees.getValue('EXEMPT') !== undefined;
  schema = knows ? published : extendSchema(published, parse(SINCE), { assumeValidSDL: true });
  return schema;
}

type Checked = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

const checkedQueries = new Map<string, Checked>();

function check(query: string): Checked {
  const known = checkedQueries.get(query);
  if (known !== undefined) return known;
  let checked: Checked;
  try {
    const document = parse(query);
    const errors = validate(githubSchema(), document);
    checked = errors.length === 0 ? { document } : { errors };
  } catch (error) {
    checked = {
      errors: error instanceof GraphQLError ? [error] : [new GraphQLError(String(error))],
    };
  }
  if (checkedQueries.size > 500) checkedQueries.clear();
  checkedQueries.set(query, checked);
  return checked;
}

function errorJson(error: GraphQLError): Json {
  const cause = error.originalError;
  const type = cause instanceof Refused ? { type: cause.type } : {};
  const path = error.path === undefined ? {} : { path: error.path };
  const locations = error.locations?.map(({ line, column }) => ({ line, column })) ?? [];
  return { ...type, ...path, locations, message: error.message };
}

function rateLimit(call: Call): Json {
  const { rate } = rateJson(call.world, call.auth);
  const { limit, used, remaining, reset } = isRecord(rate) ? rate : {};
  const resetAt = iso(Number(reset) * 1000);
  return { cost: 1, limit, used, remaining, nodeCount: 1, resetAt };
}

function root(asking: Asking): Json {
  const { call } = asking;
  return {
    repository: (args: { owner: string; name: string }) => repositoryNode(asking, args),
    organization: (args: { login: string }) => organizationNode(asking, args.login),
    rateLimit: () => rateLimit(call),
    viewer: () => {
      const account = call.auth.kind === 'token' ? call.auth.token.user : null;
      return account === null
        ? { login: whose(call.auth), __typename: 'User' }
        : accountNode(account);
    },
    user: ({ login }: { login: string }) => {
      const account = call.world.accounts.get(login.toLowerCase());
      if (account?.type === 'User') return accountNode(account);
      throw new Refused('NOT_FOUND', `Could not resolve to a User with the login of '${login}'.`);
    },
  };
}

/** Breaks a field of an answer; answers the errors that GitHub would tell beside it. */
function breakField(
  value: unknown,
  path: FieldFault['path'],
  how: FieldFault['how'],
  at: readonly (string | number)[] = [],
): readonly GraphQLError[] {
  const [step, ...rest] = path;
  if (typeof value !== 'object' || value === null || step === undefined) return [];
  const names = step === '*' ? Object.keys(value) : [step];
  return names.flatMap((name) => {
    const member: unknown = Reflect.get(value, name);
    if (member === undefined) return [];
    if (rest.length > 0) return breakField(member, rest, how, [...at, name]);
    Reflect.set(value, name, how === 'cut' && Array.isArray(member) ? member.slice(0, -1) : null);
    if (how === 'cut') return [];
    const originalError = new Refused(
      'INTERNAL',
      'Something went wrong while executing your query.',
    );
    return [new GraphQLError(originalError.message, { path: [...at, name], originalError })];
  });
}

export async function graphql(call: Call): Promise<Reply> {
  if (call.auth.kind !== 'token') throw new HttpError(401, 'Requires authentication');
  const { query, variables, operationName } = call.body;
  if (typeof query !== 'string') throw new HttpError(400, 'A query attribute must be specified');
  const checked = check(query);
  if ('errors' in checked) {
    // A query that GitHub's schema refuses is a defect of the caller, so the test must fail.
    const reasons = checked.errors.map((error) => error.message).join('; ');
    call.world.violations.push(`graphql: ${reasons}`);
    return ok({ errors: checked.errors.map(errorJson) });
  }
  const result = await execute({
    schema: githubSchema(),
    document: checked.document,
    rootValue: root({ call, world: call.world }),
    variableValues: isRecord(variables) ? variables : {},
    operationName: typeof operationName === 'string' ? operationName : null,
  });
  const { data } = result;
  const broken = call.world.faults.fields
    .filter(({ match }) => query.includes(match))
    .flatMap((fault) => breakField(data, fault.path, fault.how));
  const errors = broken.length === 0 ? result.errors : [...(result.errors ?? []), ...broken];
  if (errors === undefined) return ok({ data });
  for (const error of errors) {
    if (!(error.originalError instanceof Refused)) {
      call.world.violations.push(`graphql: ${error.message} at ${String(error.path)}`);
    }
  }
  return ok({ ...(data === undefined ? {} : { data }), errors: errors.map(errorJson) });
}
