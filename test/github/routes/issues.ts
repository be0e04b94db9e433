/** Issues, their timeline, comments and labels. */
import { addComment, addTimeline, emitPull, newIssue } from '../acts-code.ts';
import {
  actingApp,
  actor,
  found,
  HttpError,
  isRecord,
  number,
  ok,
  paged,
  param,
  repoOf,
  text,
  textOr,
  type Call,
  type Need,
  type Reply,
  type Route,
} from '../http.ts';
import { commentJson, issueJson } from '../shapes-code.ts';
import { labelJson, labelsJson } from '../shapes.ts';
import { timelineJson } from '../shapes-timeline.ts';
import type { IssueRecord, Label, RepoRecord } from '../state.ts';

const read: Need = [
  ['issues', 'read'],
  ['pull_requests', 'read'],
];
const write: Need = [
  ['issues', 'write'],
  ['pull_requests', 'write'],
];

interface Place {
  readonly repo: RepoRecord;
  readonly issue: IssueRecord;
}

/** Pull requests are issues too, and either permission opens what belongs to it. */
function place(call: Call, need: Need = read): Place {
  const repo = repoOf(call, need);
  const issue = found(repo.issues.get(number(call, 'issue_number')));
  const level = need === read ? 'read' : 'write';
  const pull = repo.pulls.has(issue.number);
  repoOf(call, pull ? need : [['issues', level]]);
  return { repo, issue };
}

const commentLimit = 65_536;

function bodyOf(call: Call): string {
  const body = text(call, 'body');
  if (body.length > commentLimit) {
    throw new HttpError(422, `Body is too long (maximum is ${commentLimit} characters)`);
  }
  return body;
}

function createComment(call: Call): Reply {
  const at = place(call, write);
  const made = { ...at, by: actor(call), body: bodyOf(call), viaApp: actingApp(call) };
  const comment = addComment(call.world, made);
  return ok(commentJson(call.world, at.repo, at.issue.number, comment), 201);
}

function updateComment(call: Call): Reply {
  const repo = repoOf(call, write);
  const id = number(call, 'comment_id');
  for (const issue of repo.issues.values()) {
    const comment = issue.comments.find((one) => one.id === id);
    if (comment === undefined) continue;
    if (comment.user.id !== actor(call).id) throw new HttpError(403, 'Must be the author');
    comment.body = bodyOf(call);
    comment.updatedAtMs = call.world.now();
    return ok(commentJson(call.world, repo, issue.number, comment));
  }
  throw new HttpError(404, 'Not Found');
}

function invalid(field: string, code: string): HttpError {
  const errors = [{ resource: 'Label', field, code }];
  return new HttpError(422, 'Validation Failed', { errors });
}

/** Names up to 50 characters, descriptions up to 100, colours of six hex digits. */
function checkLabel(name: string, color: string, description: string | null): void {
  if (name === '' || Array.from(name).length > 50) throw invalid('name', 'invalid');
  if (!/^[0-9a-f]{6}$/i.test(color)) throw invalid('color', 'invalid');
  if (description !== null && Array.from(description).length > 100)
    throw invalid('description', 'invalid');
}

function createLabel(call: Call): Reply {
  const repo = repoOf(call, write);
  const name = text(call, 'name');
  const color = textOr(call, 'color', 'ededed');
  const description = textOr(call, 'description', null);
  checkLabel(name, color, description);
  if (repo.labels.has(name.toLowerCase())) throw invalid('name', 'already_exists');
  const label = { id: call.world.nextId('label'), name, color, description };
  repo.labels.set(name.toLowerCase(), label);
  return ok(labelJson(call.world, repo, label), 201);
}

function updateLabel(call: Call): Reply {
  const repo = repoOf(call, write);
  const label = found(repo.labels.get(param(call, 'name').toLowerCase()));
  const color = textOr(call, 'color', label.color);
  const description = textOr(call, 'description', label.description);
  checkLabel(textOr(call, 'new_name', label.name), color, description);
  Object.assign(label, { color, description });
  const renamed = textOr(call, 'new_name', null);
  if (renamed !== null) {
    repo.labels.delete(label.name.toLowerCase());
    label.name = renamed;
    repo.labels.set(renamed.toLowerCase(), label);
  }
  return ok(labelJson(call.world, repo, label));
}

/** The names in a request: `{labels: ["a", {name: "b"}]}`, or the bare list. */
function namesIn(call: Call): string[] {
  const given: unknown = call.body['labels'] ?? call.body['list'];
  if (!Array.isArray(given)) return [];
  return given.map((one: unknown) => (isRecord(one) ? String(one['name']) : String(one)));
}

function labelOf(call: Call, repo: RepoRecord, name: string): Label {
  const known = repo.labels.get(name.toLowerCase());
  if (known !== undefined) return known;
  const label = { id: call.world.nextId('label'), name, color: 'ededed', description: null };
  repo.labels.set(name.toLowerCase(), label);
  return label;
}

async function changeLabels(
  call: Call,
  { repo, issue }: Place,
  next: readonly string[],
): Promise<Reply> {
  const sender = actor(call);
  const has = (list: readonly string[], name: string): boolean =>
    list.some((one) => one.toLowerCase() === name.toLowerCase());
  const added = next.filter((name) => !has(issue.labels, name));
  const removed = issue.labels.filter((name) => !has(next, name));
  const all = added.map((name) => labelOf(call, repo, name));
  issue.labels.splice(
    0,
    issue.labels.length,
    ...next.map((name) => labelOf(call, repo, name).name),
  );
  const pull = repo.pulls.get(issue.number);
  const viaApp = actingApp(call);
  const tell = async (event: string, label: Label): Promise<void> => {
    const detail = { label: { name: label.name, color: label.color } };
    addTimeline(call.world, issue, { event, actor: sender, viaApp, detail });
    if (pull === undefined) return;
    const extra = { label: labelJson(call.world, repo, label) };
    await emitPull(call.world, { repo, pull, sender }, event, extra);
  };
  for (const label of all) await tell('labeled', label);
  for (const name of removed) await tell('unlabeled', labelOf(call, repo, name));
  return ok(labelsJson(call.world, repo, issue.labels));
}

function addLabels(call: Call): Promise<Reply> {
  const at = place(call, write);
  const names = namesIn(call).filter(
    (name) => !at.issue.labels.some((one) => one.toLowerCase() === name.toLowerCase()),
  );
  return changeLabels(call, at, [...at.issue.labels, ...new Set(names)]);
}

function removeLabel(call: Call): Promise<Reply> {
  const at = place(call, write);
  const name = param(call, 'name').toLowerCase();
  const next = at.issue.labels.filter((one) => one.toLowerCase() !== name);
  if (next.length === at.issue.labels.length) throw new HttpError(404, 'Label does not exist');
  return changeLabels(call, at, next);
}

function createIssue(call: Call): Reply {
  const repo = repoOf(call, [['issues', 'write']]);
  const body = textOr(call, 'body', null);
  const made = { repo, author: actor(call), title: text(call, 'title'), body };
  const issue = newIssue(call.world, { ...made, viaApp: actingApp(call) });
  issue.labels.push(...namesIn(call).map((name) => labelOf(call, repo, name).name));
  return ok(issueJson(call.world, repo, issue), 201);
}

function updateIssue(call: Call): Reply {
  const { repo, issue } = place(call, write);
  const title = textOr(call, 'title', null);
  const state = textOr(call, 'state', null);
  if (title !== null) issue.title = title;
  if (state === 'open' || state === 'closed') {
    issue.state = state;
    issue.closedAtMs = state === 'open' ? null : call.world.now();
    issue.closedBy = state === 'open' ? null : actor(call);
  }
  issue.updatedAtMs = call.world.now();
  return ok(issueJson(call.world, repo, issue));
}

/** Issues and pull requests alike, the newest first unless asked otherwise. */
function listIssues(call: Call): Promise<Reply> {
  const repo = repoOf(call, read);
  const state = call.query.get('state') ?? 'open';
  const items = [...repo.issues.values()]
    .filter((issue) => state === 'all' || issue.state === state)
    .sort((one, other) => other.number - one.number);
  if (call.query.get('direction') === 'asc') items.reverse();
  return paged(call, { items, render: (issue) => issueJson(call.world, repo, issue) });
}

async function timeline(call: Call): Promise<Reply> {
  const { repo, issue } = place(call);
  const items = await timelineJson(call.world, repo, issue);
  return paged(call, { items, render: (one) => one });
}

interface Verb {
  readonly method: string;
  readonly path: string;
  readonly id: string;
  readonly handle: Route['handle'];
}

function route({ method, path, id, handle }: Verb): Route {
  const need = method === 'GET' ? read : write;
  return {
    method,
    path: `/repos/{owner}/{repo}${path}`,
    operationId: `issues/${id}`,
    need,
    handle,
  };
}

const one = '/issues/{issue_number}';

export const issueRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: one,
    id: 'get',
    handle: (call: Call) => {
      const { repo, issue } = place(call);
      return ok(issueJson(call.world, repo, issue));
    },
  },
  { method: 'PATCH', path: one, id: 'update', handle: updateIssue },
  { method: 'GET', path: `${one}/timeline`, id: 'list-events-for-timeline', handle: timeline },
  {
    method: 'GET',
    path: `${one}/comments`,
    id: 'list-comments',
    handle: (call: Call) => {
      const { repo, issue } = place(call);
      const since = Date.parse(call.query.get('since') ?? '1970-01-01');
      const items = issue.comments.filter((comment) => comment.updatedAtMs >= since);
      return paged(call, {
        items,
        render: (comment) => commentJson(call.world, repo, issue.number, comment),
      });
    },
  },
  { method: 'POST', path: `${one}/comments`, id: 'create-comment', handle: createComment },
  {
    method: 'PATCH',
    path: '/issues/comments/{comment_id}',
    id: 'update-comment',
    handle: updateComment,
  },
  {
    method: 'GET',
    path: `${one}/labels`,
    id: 'list-labels-on-issue',
    handle: (call: Call) => {
      const { repo, issue } = place(call);
      const items = labelsJson(call.world, repo, issue.labels);
      return paged(call, { items, render: (label) => label });
    },
  },
  { method: 'POST', path: `${one}/labels`, id: 'add-labels', handle: addLabels },
  {
    method: 'PUT',
    path: `${one}/labels`,
    id: 'set-labels',
    handle: (call: Call) => changeLabels(call, place(call, write), [...new Set(namesIn(call))]),
  },
  { method: 'DELETE', path: `${one}/labels/{name}`, id: 'remove-label', handle: removeLabel },
  { method: 'GET', path: '/issues', id: 'list-for-repo', handle: listIssues },
  { method: 'POST', path: '/issues', id: 'create', handle: createIssue },
  {
    method: 'GET',
    path: '/labels',
    id: 'list-labels-for-repo',
    handle: (call: Call) => {
      const repo = repoOf(call, read);
      const items = [...repo.labels.values()];
      return paged(call, { items, render: (label) => labelJson(call.world, repo, label) });
    },
  },
  { method: 'POST', path: '/labels', id: 'create-label', handle: createLabel },
  {
    method: 'GET',
    path: '/labels/{name}',
    id: 'get-label',
    handle: (call: Call) => {
      const repo = repoOf(call, read);
      const label = found(repo.labels.get(param(call, 'name').toLowerCase()));
      return ok(labelJson(call.world, repo, label));
    },
  },
  { method: 'PATCH', path: '/labels/{name}', id: 'update-label', handle: updateLabel },
].map(route);
