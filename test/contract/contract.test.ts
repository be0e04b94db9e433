/** The contract itself: it must be able to fail. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { LocalGitHub } from '../github/index.ts';
import { Contract, rewriteNullable, type Call } from './validate.ts';

let contract: Contract;

before(() => {
  contract = new Contract();
});

const label = {
  id: 1,
  node_id: 'x',
  url: 'https://x.y/z',
  name: 'n',
  color: 'ffffff',
  default: true,
};

function call(change: Partial<Call>): Call {
  return {
    operationId: 'issues/get-label',
    params: { owner: 'o', repo: 'r', name: 'n' },
    query: [],
    body: undefined,
    status: 200,
    answer: { ...label, description: null },
    type: 'application/json',
    ...change,
  };
}

test('a right answer passes, a wrong one is named', () => {
  assert.deepEqual(contract.exchange(call({})), []);
  const { name: _, ...without } = { ...label, description: null };
  assert.match(
    contract.exchange(call({ answer: without })).join(),
    /must have required property 'name'/,
  );
  const wrong = { ...label, description: 5 };
  assert.match(contract.exchange(call({ answer: wrong })).join(), /description must be string/);
});

test('requests are judged: path, query, body', () => {
  const numbered = { operationId: 'pulls/get', answer: {}, status: 404 };
  assert.deepEqual(contract.exchange(call(numbered)), [], 'refused requests are not blamed');
  const pulls = { operationId: 'pulls/list', answer: [] };
  const query = [['state', 'openish']] as const;
  assert.match(contract.exchange(call({ ...pulls, query })).join(), /state=openish/);
  const unknown = [['colour', 'red']] as const;
  assert.match(
    contract.exchange(call({ ...pulls, query: unknown })).join(),
    /colour is not in the/,
  );
  const create = { operationId: 'checks/create', status: 201, answer: {} };
  const faults = contract.exchange(call({ ...create, body: { name: 'x' } })).join();
  assert.match(faults, /request body.*head_sha/);
});

test('a status that an operation does not have, and an unknown operation, are faults', () => {
  assert.match(contract.exchange(call({ status: 202 })).join(), /answered 202/);
  assert.match(
    contract.exchange(call({ operationId: 'x/y' })).join(),
    /not in GitHub's API extract/,
  );
});

test('webhooks are judged', () => {
  assert.match(contract.webhook('pull-request-opened', { action: 'opened' }).join(), /required/);
  assert.match(contract.webhook('no-such-event', {}).join(), /not in GitHub's API extract/);
});

test('`nullable` without a type means null too', () => {
  const schema = { nullable: true, allOf: [{ $ref: '#/x' }] };
  assert.deepEqual(rewriteNullable(schema), {
    anyOf: [{ allOf: [{ $ref: '#/x' }] }, { type: 'null' }],
  });
  const enumerated = { type: 'string', nullable: true, enum: ['a'] };
  assert.deepEqual(rewriteNullable(enumerated), {
    anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }],
  });
});

test('the local GitHub fails at its close when it answered something wrong', async () => {
  const gh = await LocalGitHub.start({});
  const repo = await gh.repo('alice/shop');
  // A label that no route would let in.
  repo.record.labels.set('bad', { id: 1, name: 'bad', color: 5 as never, description: null });
  const headers = { authorization: `bearer ${gh.token('alice')}` };
  assert.equal((await fetch(`${gh.url}/repos/alice/shop/labels`, { headers })).status, 200);
  await assert.rejects(() => gh.close(), /issues\/list-labels-for-repo answer 200.*color/);
});
