/** GraphQL on GitHub's own schema. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { acme, type Acme } from './world.fixture.ts';
import { LocalGitHub } from './index.ts';

let world: Acme;

before(async () => {
  world = await acme();
});
after(() => world.gh.close());

type Errors = { errors?: { type?: string; message: string; path?: string[] }[] };

async function ask<T>(query: string, variables: object = {}): Promise<T & Errors> {
  const { octokit } = world;
  const answer = await octokit.request('POST /graphql', { query, variables } as never);
  return answer.data as T & Errors;
}

const inShop = (inner: string): string =>
  `query { repository(owner: "acme", name: "shop") { ${inner} } }`;

test('objects are found by expression: blobs, trees, commits, binaries, nothing', async () => {
  const { repo } = world;
  await repo.commit({ files: { 'b.bin': new Uint8Array([0, 1]), 'd/e.txt': 'é\n' } });
  const { data } = await ask<{ data: { repository: Record<string, unknown> } }>(
    inShop(`
      text: object(expression: "HEAD:d/e.txt") { ... on Blob { text byteSize isBinary isTruncated } }
      binary: object(expression: "main:b.bin") { ... on Blob { text isBinary } }
      tree: object(expression: "main:d") { ... on Tree { entries { name path mode type } } }
      none: object(expression: "main:nothing") { __typename }
      head: object(expression: "main") { ... on Commit { messageHeadline parents(first: 2) { totalCount } } }
      defaultBranchRef { name }`),
  );
  assert.deepEqual(JSON.parse(JSON.stringify(data.repository)), {
    text: { text: 'é\n', byteSize: 3, isBinary: false, isTruncated: false },
    binary: { text: null, isBinary: true },
    tree: { entries: [{ name: 'e.txt', path: 'd/e.txt', mode: 33_188, type: 'blob' }] },
    none: null,
    head: { messageHeadline: 'Change', parents: { totalCount: 1 } },
    defaultBranchRef: { name: 'main' },
  });
});

test('a pull request with co-authors, reviews and timeline, page by page', async () => {
  const { pull } = world;
  const review = await pull.review({ by: 'alice' });
  await pull.assign('Copilot', 'bob');
  const query = `query($after: String) { repository(owner: "acme", name: "shop") {
    pullRequest(number: 1) {
      author { __typename login ... on Bot { databaseId } }
      commits(first: 10) { nodes { commit { authors(first: 5) { nodes { email user { login } } } } } }
      reviews(first: 10) { nodes { databaseId fullDatabaseId state } }
      timelineItems(first: 1, after: $after, itemTypes: [ASSIGNED_EVENT, PULL_REQUEST_REVIEW]) {
        pageInfo { hasNextPage endCursor } nodes { __typename }
      }
    } } }`;
  interface Answer {
    data: {
      repository: {
        pullRequest: {
          author: unknown;
          commits: { nodes: { commit: { authors: { nodes: { user: { login: string } }[] } } }[] };
          reviews: { nodes: unknown[] };
          timelineItems: {
            pageInfo: { hasNextPage: boolean; endCursor: string };
            nodes: { __typename: string }[];
          };
        };
      };
    };
  }
  const { data } = await ask<Answer>(query);
  const one = data.repository.pullRequest;
  assert.deepEqual(one.author, { __typename: 'Bot', login: 'Copilot', databaseId: 198_982_749 });
  const authors = one.commits.nodes[0]?.commit.authors.nodes.map((node) => node.user.login);
  assert.deepEqual(authors, ['Copilot', 'bob'], 'the co-author is GitHub’s own reading');
  assert.deepEqual(one.reviews.nodes, [
    // Ids have grown past the 32 bits of the old field.
    { databaseId: null, fullDatabaseId: String(review.id), state: 'APPROVED' },
  ]);
  assert.deepEqual(one.timelineItems.pageInfo.hasNextPage, true);
  const next = await ask<Answer>(query, { after: one.timelineItems.pageInfo.endCursor });
  const types = [one, next.data.repository.pullRequest].map(
    (page) => page.timelineItems.nodes[0]?.__typename,
  );
  assert.deepEqual(new Set(types), new Set(['AssignedEvent', 'PullRequestReview']));
});

test('what cannot be seen is an error of its field', async () => {
  const { data, errors } = await ask<{ data: Record<string, unknown> }>(
    'query { a: repository(owner: "acme", name: "shop") { name } b: repository(owner: "x", name: "y") { name } }',
  );
  assert.deepEqual(JSON.parse(JSON.stringify(data)), { a: { name: 'shop' }, b: null });
  assert.deepEqual(
    errors?.map((error) => [error.type, error.path]),
    [['NOT_FOUND', ['b']]],
  );
});

test('connections need bounds of at most a hundred', async () => {
  const none = await ask(inShop('pullRequests { totalCount }'));
  assert.equal(none.errors?.[0]?.type, 'MISSING_PAGINATION_BOUNDARIES');
  const many = await ask(inShop('pullRequests(first: 101) { totalCount }'));
  assert.equal(many.errors?.[0]?.type, 'EXCESSIVE_PAGINATION');
});

test('permissions and teams', async () => {
  const { data } = await ask<{ data: object }>(`query {
    repository(owner: "acme", name: "shop") {
      bob: collaborators(first: 1, login: "bob") { edges { permission node { login } } }
      none: collaborators(first: 1, login: "Copilot") { edges { permission } }
    }
    organization(login: "acme") { team(slug: "platform") { members(first: 10) { nodes { login } } } }
    rateLimit { cost remaining }
  }`);
  const plain = JSON.parse(JSON.stringify(data));
  assert.deepEqual(plain.repository, {
    bob: { edges: [{ permission: 'MAINTAIN', node: { login: 'bob' } }] },
    none: { edges: [] },
  });
  assert.deepEqual(plain.organization.team.members.nodes, [{ login: 'alice' }]);
});

test('a query that GitHub’s schema refuses fails the test that sent it', async () => {
  const gh = await LocalGitHub.start({});
  gh.user('alice');
  const answer = await fetch(`${gh.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `bearer ${gh.token('alice')}` },
    body: JSON.stringify({ query: '{ viewer { nonsense } }' }),
  });
  const { errors } = (await answer.json()) as { errors: { message: string }[] };
  assert.match(errors[0]?.message ?? '', /Cannot query field "nonsense"/);
  await assert.rejects(() => gh.close(), /violations of GitHub's contract[\s\S]*nonsense/);
});
