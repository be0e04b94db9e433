/**
 * Compiles GitHub's OpenAPI extract and judges requests, answers and webhooks against it. Schemas
 * are compiled when first needed: one operation costs between 1 and 350 ms.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

type Json = Record<string, unknown>;

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `nullable` beside no `type` means nothing to ajv: it is said with anyOf instead. */
export function rewriteNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewriteNullable);
  if (!isRecord(value)) return value;
  const { nullable, ...rest } = value;
  const inner = Object.fromEntries(
    Object.entries(rest).map(([name, one]) => [name, rewriteNullable(one)]),
  );
  if (typeof nullable !== 'boolean') return nullable === undefined ? inner : { ...inner, nullable };
  if (!nullable) return inner;
  if (typeof inner['type'] === 'string' && !Array.isArray(inner['enum'])) {
    return { ...inner, nullable: true };
  }
  return { anyOf: [inner, { type: 'null' }] };
}

/**
 * The description of `GET /app/installations` asks that an account be a user and an enterprise at
 * once (`allOf`), where `GET /app/installations/{id}` says one or the other: read as the latter.
 */
function mendInstallations(document: Json): void {
  const path = ['paths', '/app/installations', 'get', 'responses', '200', 'content'];
  const account = [...path, 'application/json', 'schema', 'items', 'properties', 'account'];
  const step = (at: unknown, name: string): unknown => (isRecord(at) ? at[name] : undefined);
  const schema = account.reduce<unknown>(step, document);
  const either = isRecord(schema) && Array.isArray(schema['anyOf']) ? schema['anyOf'] : [];
  for (const one of [schema, ...either]) {
    if (!isRecord(one) || !Array.isArray(one['allOf'])) continue;
    one['anyOf'] = one['allOf'];
    delete one['allOf'];
  }
}

/** GitHub answers `head.repo: null` when a fork is deleted, which its description leaves out. */
function mendDeletedForks(document: Json): void {
  const step = (at: unknown, name: string): unknown => (isRecord(at) ? at[name] : undefined);
  for (const name of ['pull-request', 'pull-request-simple']) {
    const path = ['components', 'schemas', name, 'properties', 'head', 'properties'];
    const head = path.reduce<unknown>(step, document);
    if (!isRecord(head)) continue;
    for (const field of ['repo', 'user']) {
      head[field] = { anyOf: [head[field], { type: 'null' }] };
    }
  }
}

export interface Call {
  readonly operationId: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
  /** Media type of the answer. */
  readonly type: string;
}

interface Operation {
  readonly operation: Json;
  /** JSON pointer of the operation inside the document. */
  readonly pointer: string;
}

function escape(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function explain(errors: readonly ErrorObject[] | null | undefined): string {
  const deepest = [...(errors ?? [])].sort((a, b) => b.instancePath.length - a.instancePath.length);
  const shown = [...(errors ?? []).slice(0, 2), ...deepest.slice(0, 2)].map((error) => {
    const extra = JSON.stringify(error.params);
    return `${error.instancePath || '(whole)'} ${error.message ?? ''} ${extra}`;
  });
  return [...new Set(shown)].join('; ');
}

/** A parameter arrives as text; the schema speaks of numbers and booleans. */
function typed(text: string, schema: Json): unknown {
  if (schema['type'] === 'integer' || schema['type'] === 'number') {
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
  }
  if (schema['type'] === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return schema['type'] === 'array' ? text.split(',') : text;
}

export class Contract {
  private readonly ajv: Ajv;
  private readonly document: Json;
  private readonly operations = new Map<string, Operation>();
  private readonly compiled = new Map<string, ValidateFunction>();

  constructor() {
    const file = new URL('./github-api.json', import.meta.url);
    const document = rewriteNullable(JSON.parse(readFileSync(file, 'utf8')));
    if (!isRecord(document)) throw new Error('github-api.json is not an OpenAPI document');
    mendInstallations(document);
    mendDeletedForks(document);
    this.document = document;
    this.ajv = new Ajv({
      strict: false,
      validateSchema: false,
      allErrors: false,
      logger: false,
      // Both make compiling almost twice as fast; judging is not repeated often enough to miss them.
      inlineRefs: false,
      code: { optimize: false },
    });
    formats.default(this.ajv);
    this.ajv.addSchema({ $id: 'github', ...document });
    for (const [path, item] of Object.entries(
      isRecord(document['paths']) ? document['paths'] : {},
    )) {
      for (const [method, operation] of Object.entries(isRecord(item) ? item : {})) {
        if (!isRecord(operation) || typeof operation['operationId'] !== 'string') continue;
        const pointer = `#/paths/${escape(path)}/${method}`;
        this.operations.set(operation['operationId'], { operation, pointer });
      }
    }
  }

  /** Every operation id of the extract. */
  get operationIds(): readonly string[] {
    return [...this.operations.keys()];
  }

  /** What is wrong with one exchange, one sentence per fault; empty when it keeps the contract. */
  exchange(call: Call): string[] {
    const known = this.operations.get(call.operationId);
    if (known === undefined) return [`${call.operationId} is not in GitHub's API extract`];
    const accepted = call.status < 400 || call.status === 304;
    return [
      // GitHub itself answers a wrong request with an error: that is judged as an answer only.
      ...(accepted ? this.parameters(known, call) : []),
      ...(accepted ? this.requestBody(known, call) : []),
      ...this.answer(known, call),
    ].map((fault) => `${call.operationId} ${fault}`);
  }

  /** What is wrong with a webhook; `name` is `pull-request-opened`. */
  webhook(name: string, payload: unknown): string[] {
    const hooks = this.document['x-webhooks'];
    if (!isRecord(hooks) || hooks[name] === undefined) {
      return [`webhook ${name} is not in GitHub's API extract`];
    }
    const body = `#/x-webhooks/${escape(name)}/post/requestBody`;
    const pointer = `${body}/content/${escape('application/json')}/schema`;
    const validate = this.at(pointer);
    return validate(payload) === true ? [] : [`webhook ${name}: ${explain(validate.errors)}`];
  }

  private at(pointer: string): ValidateFunction {
    const known = this.compiled.get(pointer);
    if (known !== undefined) return known;
    const validate = this.ajv.compile({ $ref: `github${pointer}` });
    this.compiled.set(pointer, validate);
    return validate;
  }

  private resolve(value: unknown): Json {
    if (!isRecord(value)) return {};
    const ref = value['$ref'];
    if (typeof ref !== 'string') return value;
    const parts = ref.slice(2).split('/');
    const target = parts.reduce<unknown>(
      (at, part) => (isRecord(at) ? at[part] : undefined),
      this.document,
    );
    return this.resolve(target);
  }

  private parameters({ operation, pointer }: Operation, call: Call): string[] {
    const list: unknown = operation['parameters'];
    const declared = (Array.isArray(list) ? list : []).map((one: unknown) => this.resolve(one));
    const faults: string[] = [];
    const names = new Set(declared.map((one) => String(one['name'])));
    for (const [name] of call.query) {
      if (!names.has(name)) faults.push(`query parameter ${name} is not in the contract`);
    }
    for (const one of declared) {
      const name = String(one['name']);
      const sent = one['in'] === 'path' ? call.params[name] : find(call.query, name);
      if (sent === undefined) {
        if (one['required'] === true) faults.push(`${name} is missing`);
        continue;
      }
      const schema = this.resolve(one['schema']);
      const key = `${pointer} parameter ${name}`;
      const validate = this.compiled.get(key) ?? this.ajv.compile(this.inline(schema));
      this.compiled.set(key, validate);
      if (validate(typed(sent, schema)) !== true) {
        faults.push(`parameter ${name}=${sent}: ${explain(validate.errors)}`);
      }
    }
    return faults;
  }

  private inline(schema: Json): Json {
    const text = JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"github#');
    const copy: unknown = JSON.parse(text);
    return isRecord(copy) ? copy : {};
  }

  private requestBody({ operation, pointer }: Operation, call: Call): string[] {
    const body = operation['requestBody'];
    if (!isRecord(body)) return [];
    if (call.body === undefined) return body['required'] === true ? ['has no body'] : [];
    const validate = this.at(`${pointer}/requestBody/content/${escape('application/json')}/schema`);
    return validate(call.body) === true ? [] : [`request body: ${explain(validate.errors)}`];
  }

  private answer({ operation, pointer }: Operation, call: Call): string[] {
    const responses = isRecord(operation['responses']) ? operation['responses'] : {};
    const { status } = call;
    // Every operation can also answer with GitHub's general errors.
    if (responses[status] === undefined) {
      const general = [304, 400, 401, 403, 404, 405, 409, 410, 422, 429, 451].includes(status);
      return general ? [] : [`answered ${status}, which the contract does not have`];
    }
    const response = this.resolve(responses[status]);
    const content = response['content'];
    if (!isRecord(content) || content['application/json'] === undefined) return [];
    if (!call.type.startsWith('application/json')) return [];
    const own = isRecord(responses[status]) && typeof responses[status]['$ref'] !== 'string';
    const ref = isRecord(responses[status]) ? String(responses[status]['$ref']) : '';
    const base = own ? `${pointer}/responses/${status}` : ref;
    const validate = this.at(`${base}/content/${escape('application/json')}/schema`);
    return validate(call.answer) === true ? [] : [`answer ${status}: ${explain(validate.errors)}`];
  }
}

function find(query: readonly (readonly [string, string])[], name: string): string | undefined {
  return query.find(([one]) => one === name)?.[1];
}
