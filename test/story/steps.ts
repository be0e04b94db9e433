/** The story, step by step. Each step acts as a person or an agent would and asserts what they see. */
import assert from 'node:assert/strict';
import type { Pull } from '../github/pull.ts';
import type { Run } from '../github/repo.ts';
import type { CheckRun } from '../github/state.ts';
import { dropColumn, type Scene, tagoutCheck, until, weakened, words } from './scene.ts';

/** A check as it was at that moment; GitHub's own record is edited later. */
export type SeenCheck = Omit<CheckRun, 'app'>;

export interface Step {
  readonly title: string;
  /** Plays the step; answers what was seen, a line each. Throws when it was not as expected. */
  readonly play: (scene: Scene, kept: Kept) => Promise<readonly string[]>;
}

/** What later steps need of earlier ones. */
export interface Kept {
  agentPull?: Pull;
  mergedSha?: string;
  /** The check text of step 2, for the golden file and the README. */
  heldCheck?: SeenCheck;
}

type Conclusion = 'success' | 'action_required' | 'failure';

/** Waits for our completed check with this conclusion whose words hold every given text. */
function check(
  scene: Scene,
  sha: string,
  conclusion: Conclusion,
  ...texts: string[]
): Promise<SeenCheck> {
  let last = 'no check';
  return until(
    `the check on ${sha.slice(0, 7)} says ${conclusion} with ${texts.join(', ') || 'any text'}`,
    () => {
      const seen = tagoutCheck(scene.repo, sha);
      if (seen === null) return null;
      last = `${seen.conclusion}: ${words(seen)}`;
      const fits =
        seen.conclusion === conclusion && texts.every((text) => words(seen).includes(text));
      return fits ? structuredClone({ ...seen, app: null }) : null;
    },
  ).catch((error: Error) => {
    throw new Error(`${error.message}; last seen: ${last}`);
  });
}

function pullOf(kept: Kept): Pull {
  assert.ok(kept.agentPull, 'step 2 opened a pull request');
  return kept.agentPull;
}

async function documentation(scene: Scene): Promise<string[]> {
  const { repo, people } = scene;
  const branch = 'maria/readme';
  const text = '# shop\n\nSells things, and says how.\n';
  await repo.commit({ branch, files: { 'README.md': text }, author: people.maria });
  const pull = await repo.openPull({ author: people.maria, head: branch, title: 'Say how' });
  await check(scene, pull.headSha, 'action_required');
  await pull.review({ by: people.octavia });
  const seen = await check(scene, pull.headSha, 'success');
  await labelled(pull, 'blast-radius: low');
  assert.ok(!/dry run: (ok|failed)/i.test(words(seen)), 'nothing had to run');
  return [`#${pull.number} ${pull.labels.join(', ')}`, `check: ${seen.output.title}`];
}

async function labelled(pull: Pull, label: string): Promise<void> {
  await until(`pull request #${pull.number} is labelled ${label}`, () =>
    pull.labels.includes(label) ? label : null,
  );
}

async function dropsAColumn(scene: Scene, kept: Kept): Promise<string[]> {
  const { repo, people } = scene;
  const branch = 'copilot/remove-email';
  await repo.commit({ branch, files: dropColumn, author: people.copilot, message: 'Remove email' });
  const pull = await repo.openPull({
    author: people.copilot,
    head: branch,
    title: 'Remove the unused email column',
    body: 'Nothing reads `users.email` any more.',
  });
  await pull.assign(people.copilot, people.ben);
  kept.agentPull = pull;
  const lost = '1,000 values lost in users.email';
  const seen = await check(scene, pull.headSha, 'action_required', lost);
  await labelled(pull, 'blast-radius: high');
  kept.heldCheck = seen;
  const label = await until('the label explains itself', () => {
    const found = repo.record.labels.get('blast-radius: high');
    return found?.description ? found : null;
  });
  assert.match(label.color, /^[0-9a-f]{6}$/i);
  // A check that showed progress first gets its annotations by a request of its own.
  const annotation = await until(
    'the finding is annotated',
    () => tagoutCheck(repo, pull.headSha)?.annotations[0] ?? null,
  );
  assert.equal(annotation['path'], 'drizzle/0001_drop_email.sql');
  assert.equal(annotation['start_line'], 1);
  return [
    `#${pull.number} ${pull.labels.join(', ')}`,
    `check: ${seen.output.title}`,
    `annotation at drizzle/0001_drop_email.sql:1: ${String(annotation?.['message'])}`,
  ];
}

async function approvals(scene: Scene, kept: Kept): Promise<string[]> {
  const { people } = scene;
  const pull = pullOf(kept);
  await assert.rejects(pull.review({ by: people.copilot }), 'GitHub refuses self-approval itself');
  const said: string[] = [];
  for (const [who, code] of [
    [people.actions, 'R06'],
    [people.copilotReviewer, 'R06'],
    [people.ben, 'R07'],
  ] as const) {
    await pull.review({ by: who });
    const name = who.login.replace('[bot]', '');
    const seen = await check(scene, pull.headSha, 'action_required', code, name);
    const line = words(seen)
      .split('\n')
      .find((one) => one.includes(name) && one.includes(code));
    said.push(`refused: ${line?.trim() ?? code}`);
  }
  await pull.review({ by: people.octavia });
  const seen = await check(scene, pull.headSha, 'success');
  return [...said, `check: ${seen.output.title}`];
}

async function pushedAgain(scene: Scene, kept: Kept): Promise<string[]> {
  const { people } = scene;
  const pull = pullOf(kept);
  await pull.push({
    files: { 'src/server.ts': "console.log('ready');\n" },
    author: people.copilot,
  });
  const held = await check(scene, pull.headSha, 'action_required', 'R02');
  await pull.review({ by: people.octavia });
  const seen = await check(scene, pull.headSha, 'success');
  return [`check: ${held.output.title}`, `approved again: ${seen.output.title}`];
}

/** Waits until the gate of a run has been answered or has a note. */
function gate(run: Run): Promise<string> {
  return until(`run ${run.id} is answered`, () => {
    const [first] = run.job.gates;
    if (first === undefined) return null;
    return first.state === 'waiting' && run.notes.length === 0 ? null : first.state;
  });
}

async function deployed(scene: Scene, kept: Kept): Promise<string[]> {
  const { repo, people } = scene;
  kept.mergedSha = await pullOf(kept).merge({ by: people.octavia, method: 'squash' });
  const before = scene.gh.requests.length;
  const run = await repo.startRun({ sha: kept.mergedSha, actor: people.octavia });
  assert.equal(await gate(run), 'approved', run.notes.join('\n'));
  await until('the run has ended', () => (run.state === 'success' ? run.state : null));
  const callbacks = scene.gh.requests
    .slice(before)
    .filter((request) => request.operationId === 'actions/review-custom-gates-for-run');
  assert.equal(callbacks.length, 1, 'one callback');
  const path = `/repos/acme/shop/actions/runs/${run.id}/deployment_protection_rule`;
  assert.equal(callbacks[0]?.path, path, 'its address is built by us');
  return [`run ${run.id} of ${kept.mergedSha.slice(0, 7)} to production: released`, ...run.notes];
}

async function directPush(scene: Scene): Promise<string[]> {
  const { repo, people } = scene;
  const files = { 'src/server.ts': "console.log('quick fix');\n" };
  const sha = await repo.commit({ files, author: people.copilot, message: 'Quick fix' });
  const run = await repo.startRun({ sha, actor: people.copilot });
  assert.equal(await gate(run), 'waiting');
  const note = run.notes.join('\n');
  assert.match(note, /no reviewed pull request/);
  return [`run ${run.id} of ${sha.slice(0, 7)} waits`, note];
}

async function weakensThePolicy(scene: Scene): Promise<string[]> {
  const { repo, people } = scene;
  const branch = 'copilot/tidy-config';
  const files = { '.github/tagout.yml': weakened };
  await repo.commit({ branch, files, author: people.copilot, message: 'Tidy configuration' });
  const pull = await repo.openPull({ author: people.copilot, head: branch, title: 'Tidy' });
  const seen = await check(scene, pull.headSha, 'action_required', '.github/tagout.yml');
  await labelled(pull, 'blast-radius: critical');
  await pull.review({ by: people.octavia });
  const still = await check(scene, pull.headSha, 'action_required', '1 of 2');
  return [
    `#${pull.number} ${pull.labels.join(', ')}`,
    `check: ${seen.output.title}`,
    `check: ${still.output.title}`,
  ];
}

async function proof(scene: Scene, kept: Kept): Promise<string[]> {
  const text = await scene.tagout.report('text');
  assert.ok(text.includes('octavia'), 'the report names the approver');
  assert.ok(text.includes((kept.mergedSha ?? '').slice(0, 7)), 'and the deployed commit');
  const kinds = await scene.tagout.eventKinds();
  for (const kind of ['decision.made', 'effect.outcome']) assert.ok(kinds.includes(kind), kind);
  const state = await scene.tagout.rewriteOneRow();
  assert.equal(state, '42501', 'PostgreSQL refuses the UPDATE');
  return [
    ...text.trimEnd().split('\n'),
    `${kinds.length} audit events of ${new Set(kinds).size} kinds`,
    `UPDATE of an audit row as the application's role: refused with SQLSTATE ${state}`,
  ];
}

export const steps: readonly Step[] = [
  { title: 'A human changes documentation; one approval', play: documentation },
  { title: 'An agent drops a column that holds 1,000 values', play: dropsAColumn },
  { title: 'Who may approve it, and who may not', play: approvals },
  { title: 'The agent pushes again after the approval', play: pushedAgain },
  { title: 'Merged, and released to production once', play: deployed },
  { title: 'The agent pushes straight to main and deploys', play: directPush },
  { title: 'The agent weakens the policy in its own pull request', play: weakensThePolicy },
  { title: 'The proof', play: proof },
];
