import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { registry } from '../../src/core/agents.ts';
import { isAgentAccount, originOf } from '../../src/core/origin.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, aCommit, octocat } from './change.ts';
import fixtureText from './cases/agents.json' with { type: 'json' };

const account = z.object({
  id: z.number(),
  login: z.string(),
  type: z.enum(['User', 'Bot', 'Organization', 'Mannequin', 'Unknown']),
});
const fixtures = z
  .record(
    z.string(),
    z.strictObject({
      author: account.optional(),
      reviewer: account.optional(),
      automation: account.optional(),
      headRef: z.string().optional(),
      title: z.string().optional(),
      body: z.string().optional(),
      email: z.string().optional(),
      name: z.string().optional(),
      trailer: z.string().optional(),
    }),
  )
  .parse(fixtureText);

function commitBy(over: { email?: string; name?: string; trailer?: string }) {
  const { email = octocat.login, name = 'Octocat', trailer = '' } = over;
  const person = { account: octocat, name, email };
  return aCommit({ authors: [person], message: `Fix login\n\n${trailer}\n` });
}

test('every row has a fixture and every fixture a row', () => {
  assert.deepEqual(Object.keys(fixtures).toSorted(), registry.map(({ name }) => name).toSorted());
});

for (const [name, fixture] of Object.entries(fixtures)) {
  const accounts = {
    agent: fixture.author,
    reviewer: fixture.reviewer,
    automation: fixture.automation,
  };
  for (const [kind, one] of Object.entries(accounts)) {
    if (one === undefined) continue;
    test(`${name}: the account ${one.login} is known as ${kind}`, () => {
      assert.equal(isAgentAccount(one, defaultPolicy), name);
    });
  }
  const { author, headRef, title, body, email, name: person, trailer } = fixture;
  if (author !== undefined) {
    test(`${name}: opened by its account`, () => {
      const origin = originOf(aChange({ author }), defaultPolicy);
      assert.equal(origin.kind, 'agent');
      assert.deepEqual(origin.agents, [name]);
      assert.ok(origin.signals.some((signal) => signal.signal === 'author' && !signal.forgeable));
    });
  }
  const texts = { headRef, title, body };
  for (const [key, value] of Object.entries(texts)) {
    if (value === undefined) continue;
    test(`${name}: the ${key} alone tells`, () => {
      const origin = originOf(aChange({ [key]: value }), defaultPolicy);
      assert.deepEqual([origin.kind, origin.agents], ['agent', [name]]);
      assert.ok(origin.signals.every((signal) => signal.forgeable));
    });
  }
  const commits = {
    email: email === undefined ? undefined : commitBy({ email }),
    name: person === undefined ? undefined : commitBy({ name: person }),
    trailer: trailer === undefined ? undefined : commitBy({ trailer }),
  };
  for (const [key, commit] of Object.entries(commits)) {
    if (commit === undefined) continue;
    test(`${name}: the commit's ${key} alone tells`, () => {
      const origin = originOf(aChange({ commits: [commit] }), defaultPolicy);
      assert.deepEqual([origin.kind, origin.agents], ['agent', [name]]);
    });
  }
  if (fixture.automation !== undefined) {
    test(`${name} is automation, not an agent`, () => {
      const origin = originOf(aChange({ author: fixture.automation ?? null }), defaultPolicy);
      assert.deepEqual([origin.kind, origin.agents], ['automation', [name]]);
    });
  }
}
