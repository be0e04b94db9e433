/** What is fuzzed: everything that reads bytes which an agent or a stranger wrote. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { decide } from '../../src/core/decide.ts';
import { effectivePolicy } from '../../src/core/effective-policy.ts';
import { TagoutError } from '../../src/core/errors.ts';
import { linesAfter, readPatch } from '../../src/core/patch.ts';
import { parsePolicyFile } from '../../src/core/policy-file.ts';
import { EVENT_TABLE, runIdOf, triggersOf } from '../../src/github/events.ts';
import { isWide } from '../../src/core/subject.ts';
import { planMigrations } from '../../src/migrations/plan.ts';
import { evidenceOf } from '../core/stories.ts';
import { webhookBody } from '../bench/load.ts';
import { treeOf } from '../migrations/tree.ts';
import type { Setting } from '../web/setting.ts';
import { type Chance, spoil } from './random.ts';

export interface Target {
  readonly name: string;
  /** One case. Throws when something crashed or was allowed. */
  run(chance: Chance): Promise<void> | void;
}

const POLICY = `version: 1
agents: [{ name: acme, ids: [7], branches: ["acme/**"], operators: [octocat] }]
environments:
  production:
    match: [production, "prod-*"]
    reviews:
      low: { count: 1, maxAge: 14d }
      critical: { count: 2, maxAge: 1d, allOf: [{ teams: [platform] }, { teams: [dba] }] }
    freeze:
      - { name: weekends, weekly: { from: "Fri 18:00", to: "Mon 07:00" }, timeZone: Europe/Berlin }
migrations:
  folders: [{ path: drizzle, framework: drizzle }]
paths:
  critical: ["terraform/**"]
`;

const JOURNAL = JSON.stringify({
  version: '7',
  dialect: 'postgresql',
  entries: [
    { idx: 0, version: '7', when: 1_760_000_000_000, tag: '0000_a', breakpoints: true },
    { idx: 1, version: '7', when: 1_760_000_100_000, tag: '0001_b', breakpoints: true },
  ],
});

const SQL = `create table users (id serial primary key, email text not null default 'x');
--> statement-breakpoint
create function f() returns int language plpgsql as $$ begin execute 'drop table x'; return 1; end $$;
alter table users drop column email, add column n numeric(10,2);
update users set n = 1 where id in (select id from users); drop table if exists old cascade;`;

const PATCH = `@@ -1,3 +1,4 @@ function a() {
 const url = process.env.DATABASE_URL;
-  run();
+  execSync('psql -c "drop table users"');
+  await sql\`truncate accounts\`;
 }
\\ No newline at end of file`;

/** A payload that may be nothing like GitHub's. */
function webhook(chance: Chance): void {
  const name = chance.pick([...Object.keys(EVENT_TABLE), 'ping', '__proto__', 'constructor']);
  const [event = '', action = ''] = name.split('.');
  const plain = webhookBody(3, 900).toString().replace('synchronize', action);
  const text = spoil(plain, chance);
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch {
    return;
  }
  try {
    for (const { locator } of triggersOf({ id: 'd', name: event, payload }, { slug: null })) {
      const id = isWide(locator) ? locator.installationId : locator.repo.id;
      assert.ok(Number.isSafeInteger(id) && id > 0);
    }
  } catch (error) {
    if (error instanceof TagoutError && error.code === 'bad-input') return;
    throw error;
  }
  const repo = { installationId: 1, id: 1, owner: 'acme', name: 'shop' };
  const url = 'https://api.github.com/repos/acme/shop/actions/runs/7/deployment_protection_rule';
  const found = runIdOf(spoil(url, chance), repo);
  assert.ok(found === null || Number.isSafeInteger(found));
}

const plain = evidenceOf({ change: { reviews: [{ by: 'carol' }] } });

/** What is decided without a policy file: `allow`, so that the policy target can fail. */
export const PASSES: string = decide(effectivePolicy(plain.policy), plain).verdict;

/** A policy that has a problem never lets anything pass. */
function policy(chance: Chance): void {
  const text = spoil(POLICY, chance);
  const file = { ...plain.policy.repository, text };
  const { problems } = parsePolicyFile(file);
  const evidence = { ...plain, policy: { ...plain.policy, repository: file } };
  const effective = effectivePolicy(evidence.policy);
  const { verdict } = decide(effective, evidence, '0'.repeat(64));
  if (problems.length > 0) assert.notEqual(verdict, 'allow', problems[0]?.message);
}

function planned(base: string, journal: string, sql: string) {
  const config = "export default { dialect: 'postgresql', out: './drizzle' };\n";
  const files = {
    'drizzle.config.ts': config,
    'drizzle/meta/_journal.json': base,
    'drizzle/0000_a.sql': 'create table a ();',
  };
  const change = { 'drizzle/meta/_journal.json': journal, 'drizzle/0001_b.sql': sql };
  const input = {
    base: treeOf(files),
    head: treeOf({ ...files, ...change }),
    settings: { folders: [] },
  };
  return planMigrations({ ...input, settings: { folders: null } });
}

const BASE_JOURNAL = JSON.stringify({
  ...JSON.parse(JOURNAL),
  entries: JSON.parse(JOURNAL).entries.slice(0, 1),
});

async function journal(chance: Chance): Promise<void> {
  const text = spoil(JOURNAL, chance);
  const plans = await planned(BASE_JOURNAL, text, SQL);
  // A migration file was added: it is judged or it is a problem, and never nothing.
  if (text !== BASE_JOURNAL) assert.ok(plans.length > 0, 'a migration was overlooked');
}

async function sql(chance: Chance): Promise<void> {
  const plans = await planned(BASE_JOURNAL, JOURNAL, spoil(SQL, chance));
  assert.ok(plans.length > 0, 'a migration was overlooked');
}

function diff(chance: Chance): void {
  const patch = spoil(PATCH, chance);
  for (const { line } of linesAfter(patch)) assert.ok(Number.isFinite(line));
  readPatch(patch);
}

/** Bodies and headers at the real door: an answer every time, and never 202 without the secret. */
export function doorTarget(setting: Setting, secret: string): Target {
  return {
    name: 'webhook bodies and headers at the door',
    async run(chance) {
      const body = spoil(webhookBody(4, 700).toString(), chance).replaceAll('\ud800', '');
      const digest = createHmac('sha256', secret).update(body).digest('hex');
      const isSigned = chance.int(3) === 0;
      const clean = (text: string): string => text.replace(/[^\x21-\x7e]/g, '');
      const headers: Record<string, string> = {
        'content-type': chance.pick([
          'application/json',
          'text/plain',
          'application/json;charset=x',
        ]),
        'x-github-delivery': clean(spoil('d0000000-0000-4000-8000-000000000001', chance)).slice(
          0,
          4_000,
        ),
        'x-github-event': clean(spoil('pull_request', chance)).slice(0, 4_000),
        'x-hub-signature-256': isSigned
          ? `sha256=${digest}`
          : clean(spoil(`sha256=${digest}`, chance)).slice(0, 4_000),
      };
      const url = `${setting.url}/api/github/webhooks`;
      const answer = await fetch(url, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      assert.ok([202, 400, 401, 413, 415, 431].includes(answer.status), String(answer.status));
      const right = headers['x-hub-signature-256'] === `sha256=${digest}`;
      if (answer.status === 202) assert.ok(right, 'taken in without the secret');
    },
  };
}

export const TARGETS: readonly Target[] = [
  { name: 'webhook payloads', run: webhook },
  { name: 'policy files', run: policy },
  { name: 'journals of migrations', run: journal },
  { name: 'SQL', run: sql },
  { name: 'unified diffs', run: diff },
];
