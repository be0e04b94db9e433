import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAgentAccount, operatorsOf, originOf } from '../../src/core/origin.ts';
import { defaultPolicy } from '../../src/core/policy-default.ts';
import { aChange, aCommit, octocat, webFlow } from './change.ts';

const copilot = { id: 198982749, login: 'Copilot', type: 'Bot' } as const;
const agentRow = { name: 'acme-coder', ids: [987654], apps: ['acme-coder'] };
const policy = {
  ...defaultPolicy,
  agents: [
    { ...agentRow, branches: ['acme-coder/**'], emails: ['coder@acme.dev'], operators: ['hubot'] },
  ],
};
const said = (message: string) =>
  originOf(aChange({ commits: [aCommit({ message })] }), defaultPolicy);
const logins = (change: Parameters<typeof operatorsOf>[0], by = defaultPolicy) =>
  operatorsOf(change, by).map(({ login, id, signal }) => `${login}:${id ?? ''}:${signal}`);

test('trap a: the type of an account depends on the endpoint and is not asked', () => {
  const asUser = { id: 199175422, login: 'chatgpt-codex-connector[bot]', type: 'User' } as const;
  assert.equal(isAgentAccount(asUser, defaultPolicy), 'codex');
  assert.equal(
    isAgentAccount({ id: 5, login: 'new-thing[bot]', type: 'User' }, defaultPolicy),
    'new-thing',
  );
});

test('trap b: agents with accounts of type User', () => {
  assert.equal(
    isAgentAccount({ id: 81847, login: 'claude', type: 'User' }, defaultPolicy),
    'claude-code',
  );
  assert.equal(
    isAgentAccount({ id: 199161495, login: 'renamed', type: 'User' }, defaultPolicy),
    'cursor',
  );
});

test('ids come before logins: three accounts are called Copilot', () => {
  const review = { id: 175728472, login: 'Copilot', type: 'Bot' } as const;
  assert.equal(isAgentAccount(review, defaultPolicy), 'copilot-review');
  assert.equal(isAgentAccount(copilot, defaultPolicy), 'copilot');
});

test('people and the web interface are no agents', () => {
  assert.equal(isAgentAccount(octocat, defaultPolicy), null);
  assert.equal(isAgentAccount(webFlow, defaultPolicy), null);
  assert.equal(
    originOf(
      aChange({
        commits: [
          aCommit({ committer: { account: webFlow, name: 'GitHub', email: 'noreply@github.com' } }),
        ],
      }),
      defaultPolicy,
    ).kind,
    'undeclared',
  );
});

test('trap c: the domain of a vendor is not matched, as its employees use it', () => {
  for (const email of ['jo@openai.com', 'jo@anthropic.com', 'jo@cursor.com', 'gemini@google.com']) {
    assert.equal(said(`x\n\nCo-authored-by: Jo <${email}>`).kind, 'undeclared', email);
  }
});

test('trap d: trailers with text after them, in the middle, indented, with zero-width characters', () => {
  const trailer = 'Co-authored-by: Codex <noreply@openai.com>';
  for (const message of [
    `x\n\n${trailer}\n\nand more text`,
    `* one\n\n${trailer}\n\n* two\n\nCo-authored-by: Jo <jo@acme.dev>`,
    `x\n\n  ${trailer}`,
    `x\r\n\r\n${trailer}\r\n`,
    'x\n\nCo-auth\u200bored-by: Codex <noreply\u2060@openai.com>',
    'x\n\nＣｏ-authored-by: Codex <noreply@openai.com>',
    'x\n\nCO-AUTHORED-BY : Codex < noreply@openai.com >',
  ]) {
    assert.deepEqual(said(message).agents, ['codex'], JSON.stringify(message));
  }
});

test('an app that acts for a person is an agent that nobody can forge, known or not', () => {
  const known = originOf(aChange({ viaApp: 'cursor' }), defaultPolicy);
  assert.deepEqual(known.agents, ['cursor']);
  assert.equal(known.signals[0]?.forgeable, false);
  assert.deepEqual(originOf(aChange({ viaApp: 'brand-new' }), defaultPolicy).agents, ['brand-new']);
});

test('an unknown bot that opens or pushes is an agent of its own name', () => {
  const bot = { id: 77, login: 'mystery', type: 'Bot' } as const;
  assert.deepEqual(originOf(aChange({ author: bot }), defaultPolicy).agents, ['mystery']);
  const pushes = [{ actor: bot, atMs: 0, kind: 'push', after: 'c'.repeat(40) }];
  assert.deepEqual(originOf(aChange({ pushes }), defaultPolicy).agents, ['mystery']);
});

test('Dependabot with an agent in it is an agent', () => {
  const dependabot = { id: 49699333, login: 'dependabot[bot]', type: 'Bot' } as const;
  const commits = [aCommit({ authors: [{ account: copilot, name: 'Copilot', email: '' }] })];
  assert.equal(originOf(aChange({ author: dependabot, commits }), defaultPolicy).kind, 'agent');
});

test('no sign: undeclared, or human only where the policy says so and the author is a person', () => {
  const human = { ...defaultPolicy, undeclared: 'human' } as const;
  assert.equal(originOf(aChange(), defaultPolicy).kind, 'undeclared');
  assert.equal(originOf(aChange(), human).kind, 'human');
  assert.equal(originOf(aChange({ author: null }), human).kind, 'undeclared');
  assert.equal(originOf(aChange({ headRef: 'devin/1' }), human).kind, 'agent');
});

test('the surest sign comes first and each sign once', () => {
  const author = { id: 209825114, login: 'claude[bot]', type: 'Bot' } as const;
  const commits = [aCommit(), aCommit({ sha: 'd'.repeat(40) })].map((commit) => ({
    ...commit,
    message: 'x\n\nCo-Authored-By: Claude <noreply@anthropic.com>',
  }));
  const origin = originOf(aChange({ author, commits }), defaultPolicy);
  assert.deepEqual(origin.agents, ['claude', 'claude-code']);
  assert.equal(origin.signals.filter(({ signal }) => signal === 'co-author').length, 1);
});

test("an organisation's own agent, by id, app, branch and e-mail, with its operators", () => {
  const author = { id: 987654, login: 'x', type: 'User' } as const;
  for (const change of [
    aChange({ author }),
    aChange({ viaApp: 'acme-coder' }),
    aChange({ headRef: 'acme-coder/1/fix' }),
    aChange({ commits: [aCommit({ message: 'x\n\nCo-authored-by: C <coder@acme.dev>' })] }),
  ]) {
    assert.deepEqual(originOf(change, policy).agents, ['acme-coder']);
    assert.ok(logins(change, policy).includes('hubot::requested-by'));
  }
  assert.deepEqual(logins(aChange(), policy), []);
});

test('operators: Requested by and on behalf of, whatever the markup', () => {
  for (const body of [
    'Requested by: @hubot',
    '**Requested by**: @hubot',
    '**Req**uested _by_: @hubot',
    'requested-by: [@hubot](https://github.com/hubot)',
    'created by @kiro-agent **on behalf of** @hubot',
    'Reque\u200bsted by: @hubot',
  ]) {
    assert.deepEqual(logins(aChange({ body })), ['hubot::requested-by'], body);
    const commits = [aCommit({ message: `Fix it\n\n${body}` })];
    assert.ok(logins(aChange({ commits })).includes('hubot::requested-by'), `commit: ${body}`);
  }
  assert.deepEqual(logins(aChange({ body: 'as requested by the customer' })), []);
});

test("operators: the co-author on the agent's commit, by account and by no-reply address", () => {
  const agent = {
    account: copilot,
    name: 'Copilot',
    email: '198982749+Copilot@users.noreply.github.com',
  };
  const linked = aCommit({
    authors: [agent, { account: octocat, name: 'O', email: 'o@acme.dev' }],
  });
  assert.deepEqual(logins(aChange({ commits: [linked] })), ['octocat:583231:requested-by']);
  const message = 'x\n\nCo-authored-by: Hubot <480938+hubot@users.noreply.github.com>';
  const named = aCommit({ authors: [agent], message });
  assert.deepEqual(logins(aChange({ commits: [named] })), ['hubot:480938:requested-by']);
});

test('operators: who opened it through an app (S06), and everyone whom GitHub names', () => {
  assert.deepEqual(logins(aChange({ viaApp: 'cursor' }))[0], 'octocat:583231:opened-through-app');
  const involved = [
    { id: 9, login: 'jo', signal: 'assigned-agent', source: 'timeline', forgeable: false },
  ] as const;
  assert.deepEqual(logins(aChange({ involved })), ['jo:9:assigned-agent']);
});

test('a person who co-authors with a person is no operator', () => {
  const message = 'x\n\nCo-authored-by: Jo <1+jo@users.noreply.github.com>';
  assert.deepEqual(logins(aChange({ commits: [aCommit({ message })] })), []);
});

test('of commits by the same people, each message is read for who asked the agent', () => {
  const author = { account: copilot, name: 'Copilot', email: 'copilot@github.example' };
  const people = { authors: [author], committer: author };
  const asks = 'Mend it\n\nCo-authored-by: Carol <77+carol@users.noreply.github.com>';
  const commits = [
    aCommit({ ...people, message: 'Mend' }),
    aCommit({ ...people, sha: 'e'.repeat(40), message: asks }),
    aCommit({ ...people, sha: 'f'.repeat(40), message: 'Mend more' }),
  ];
  assert.deepEqual(logins(aChange({ commits })), ['carol:77:requested-by']);
});
