/** What the pages show. */
import { escapeHtml, markdown } from './markdown.ts';
import { button, layout, list, pill, section } from './page-parts.ts';
import { iso } from './shapes.ts';
import type { Account, CheckRun, Json, PullRecord, RepoRecord, RunRecord } from './state.ts';
import { fullName } from './state.ts';
import type { World } from './world.ts';

function stateOf(pull: PullRecord): string {
  return pull.mergedAtMs === null ? pull.issue.state : 'merged';
}

function link(href: string, text: string): string {
  return `<a href="${escapeHtml(href)}">${escapeHtml(text)}</a>`;
}

function repoSection(repo: RepoRecord): string {
  const name = fullName(repo);
  const pulls = [...repo.pulls.values()].reverse().map((pull) => {
    const title = link(`/${name}/pull/${pull.number}`, `#${pull.number} ${pull.issue.title}`);
    const by = escapeHtml(pull.issue.user.login);
    return `${pill(stateOf(pull))} ${title} <span class="soft">by ${by}</span>`;
  });
  const runs = repo.runs.map((run) => {
    const title = link(`/${name}/actions/runs/${run.id}`, `${run.workflowName} #${run.number}`);
    const where = run.jobs.at(-1)?.environment ?? 'no environment';
    const state = pill(run.conclusion ?? run.status);
    const how = escapeHtml(`to ${where} by ${run.actor.login}`);
    return `${state} ${title} <span class="soft">${how}</span>`;
  });
  return section(name, `${list(pulls)}<h2>Runs</h2>${list(runs)}`);
}

/** The list of all repositories with their pull requests and runs. */
export function homePage(world: World): string {
  const repos = [...world.repos.values()].filter((repo) => !repo.deleted && repo.parent === null);
  return layout('Repositories', repos.map(repoSection).join(''));
}

/** Those who could press a button here: people, and the bots that a test may try. */
function actors(world: World, repo: RepoRecord, pull: PullRecord): Account[] {
  const withRole = [...world.accounts.values()].filter(
    (one) =>
      one.type === 'User' && ['write', 'maintain', 'admin'].includes(world.permission(repo, one)),
  );
  const bots = [pull.issue.user, world.account('github-actions[bot]')];
  return [...new Set([...withRole, ...bots])].filter((one) => one.type !== 'Organization');
}

/** Relative luminance of a colour in six hex digits, as WCAG 2 defines it: 0 black to 1 white. */
function luminance(color: string): number {
  const parts = [0, 2, 4].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** White or black, whichever can be read better on this colour. */
function inkOn(color: string): string {
  const back = luminance(color) + 0.05;
  return 1.05 / back > back / 0.05 ? '#fff' : '#000';
}

function labelsOf(repo: RepoRecord, pull: PullRecord): string {
  const shown = pull.issue.labels.map((name) => {
    const color = repo.labels.get(name.toLowerCase())?.color ?? 'ededed';
    const style = `background:#${escapeHtml(color)};color:${inkOn(color)}`;
    return `<span class="label" style="${style}">${escapeHtml(name)}</span>`;
  });
  return shown.length === 0 ? '<p class="soft">None.</p>' : shown.join(' ');
}

function annotation(one: Json): string {
  const place = `${String(one['path'])}:${String(one['start_line'])}`;
  const title = String(one['title'] ?? one['annotation_level']);
  const message = escapeHtml(String(one['message']));
  return `<code>${escapeHtml(place)}</code> <strong>${escapeHtml(title)}</strong> ${message}`;
}

function checkHtml(run: CheckRun): string {
  const { title, summary, text } = run.output;
  const notes = run.annotations.map(annotation);
  return [
    `<p>${pill(run.conclusion ?? run.status)} <strong>${escapeHtml(run.name)}</strong> `,
    `<span class="soft">by ${escapeHtml(run.app.name)}</span></p>`,
    title === null ? '' : `<h3>${escapeHtml(title)}</h3>`,
    summary === null ? '' : markdown(summary),
    text === null ? '' : markdown(text),
    notes.length === 0 ? '' : `<h3>Annotations</h3>${list(notes)}`,
  ].join('');
}

function latestChecks(repo: RepoRecord, sha: string): string {
  const mine = repo.checkRuns.filter((run) => run.headSha === sha);
  const newest = [...new Map(mine.map((run) => [`${run.app.id} ${run.name}`, run])).values()];
  return newest.length === 0 ? '<p class="soft">None yet.</p>' : newest.map(checkHtml).join('');
}

async function commitsHtml(world: World, repo: RepoRecord, pull: PullRecord): Promise<string> {
  const commits = await world.pullCommits(repo, pull);
  return list(
    commits.map((commit) => {
      const [subject = ''] = commit.message.split('\n');
      const sha = `<code>${commit.sha.slice(0, 7)}</code>`;
      const by = escapeHtml(commit.author.name);
      return `${sha} ${escapeHtml(subject)} <span class="soft">${by}</span>`;
    }),
  );
}

function reviewsHtml(pull: PullRecord): string {
  return list(
    pull.reviews.map((one) => {
      const on =
        one.commitId === pull.headSha ? 'on the head' : `on ${one.commitId?.slice(0, 7) ?? '?'}`;
      const who = escapeHtml(one.user.login);
      return `${pill(one.state)} ${who} <span class="soft">${on}</span> ${escapeHtml(one.body)}`;
    }),
  );
}

function buttons(world: World, repo: RepoRecord, pull: PullRecord): string {
  const at = `/${fullName(repo)}/pull/${pull.number}`;
  const people = actors(world, repo, pull);
  const state = stateOf(pull);
  if (state === 'open') {
    const approve = people.map((one) =>
      button(`${at}/review`, `Approve as ${one.login}`, { by: one.login, state: 'APPROVED' }),
    );
    const refuse = people
      .filter((one) => one.type === 'User')
      .map((one) =>
        button(`${at}/review`, `Request changes as ${one.login}`, {
          by: one.login,
          state: 'CHANGES_REQUESTED',
        }),
      );
    const merges = people
      .filter((one) => one.type === 'User')
      .map((one) => button(`${at}/merge`, `Squash and merge as ${one.login}`, { by: one.login }));
    return `<p>${approve.join('')}</p><p>${refuse.join('')}</p><p>${merges.join('')}</p>`;
  }
  const sha = pull.mergeCommitSha;
  if (sha === null) return '<p class="soft">This pull request is closed.</p>';
  const names = [...repo.environments.values()].map((one) => one.name);
  const deploys = people
    .filter((one) => one.type === 'User')
    .flatMap((one) =>
      (names.length === 0 ? ['production'] : names).map((environment) =>
        button(`${at}/deploy`, `Deploy to ${environment} as ${one.login}`, {
          by: one.login,
          environment,
          sha,
        }),
      ),
    );
  return `<p>${deploys.join('')}</p>`;
}

export async function pullPage(
  world: World,
  repo: RepoRecord,
  number: number,
): Promise<string | null> {
  const pull = repo.pulls.get(number);
  if (pull === undefined) return null;
  const { issue } = pull;
  const ends = `${pull.headLabelOwner}:${pull.headRef} into ${pull.baseRef}`;
  const comments = issue.comments.map(
    (one) => `<strong>${escapeHtml(one.user.login)}</strong>${markdown(one.body)}`,
  );
  return layout(
    `#${number} ${issue.title}`,
    [
      `<p>${pill(stateOf(pull))} <span class="soft">`,
      `${escapeHtml(issue.user.login)} wants to merge `,
      `${escapeHtml(ends)} · ${link('/', fullName(repo))}</span></p>`,
      section(
        'Description',
        issue.body === null ? '<p class="soft">None.</p>' : markdown(issue.body),
      ),
      section('What you can do', buttons(world, repo, pull)),
      section('Labels', labelsOf(repo, pull)),
      section('Checks', latestChecks(repo, pull.headSha)),
      section('Reviews', reviewsHtml(pull)),
      section('Commits', await commitsHtml(world, repo, pull)),
      section('Comments', list(comments)),
    ].join(''),
  );
}

function jobsHtml(run: RunRecord): string {
  return list(
    run.jobs.map((job) => {
      const gates = job.gates.map((gate) => {
        const notes = gate.notes.map((note) => `<blockquote>${markdown(note)}</blockquote>`);
        return `<p>${pill(gate.state)} ${escapeHtml(gate.app.name)}</p>${notes.join('')}`;
      });
      const where = job.environment === null ? '' : ` to ${escapeHtml(job.environment)}`;
      const state = pill(job.conclusion ?? job.status);
      return `${state} ${escapeHtml(job.name)}${where}, attempt ${job.attempt}${gates.join('')}`;
    }),
  );
}

export function runPage(world: World, repo: RepoRecord, id: number): string | null {
  const run = repo.runs.find((one) => one.id === id);
  if (run === undefined) return null;
  const at = `/${fullName(repo)}/actions/runs/${run.id}`;
  const people = [...world.accounts.values()].filter((one) => one.type === 'User');
  const admins = people.filter((one) => world.permission(repo, one) === 'admin');
  const writers = people.filter(
    (one) => repo.collaborators.get(one.login.toLowerCase()) === 'write',
  );
  const again = writers.map((one) =>
    button(`${at}/rerun`, `Re-run as ${one.login}`, { by: one.login }),
  );
  const past = admins.map((one) =>
    button(`${at}/bypass`, `Start all waiting jobs as ${one.login}`, { by: one.login }),
  );
  const acts = run.status === 'completed' ? again : run.status === 'waiting' ? past : [];
  const deployments = run.jobs.flatMap((job) =>
    (job.deployment?.statuses ?? []).map(
      (one) => `${pill(one.state)} <span class="soft">${iso(one.createdAtMs)}</span>`,
    ),
  );
  return layout(
    `${run.workflowName} #${run.number}`,
    [
      `<p>${pill(run.conclusion ?? run.status)} <span class="soft">${escapeHtml(run.event)} by `,
      `${escapeHtml(run.triggeringActor.login)}, commit <code>${run.headSha.slice(0, 7)}</code>, `,
      `${link('/', fullName(repo))}</span></p>`,
      section('Jobs and their gates', jobsHtml(run)),
      section('What you can do', acts.length === 0 ? '<p class="soft">Wait.</p>' : acts.join('')),
      section('Deployment statuses', list(deployments)),
    ].join(''),
  );
}
