/** The set-up pages as HTML. Every value goes through `html`, which escapes it. */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** What a person types on the first page, as they typed it. */
export interface WhereText {
  readonly organisation: string;
  readonly githubUrl: string;
  readonly publicUrl: string;
}

export interface WhereProblems {
  readonly organisation?: string;
  readonly githubUrl?: string;
  readonly publicUrl?: string;
}

const STEPS = ['Where', 'Register at GitHub', 'Guard production'] as const;

function steps(current: number): Html {
  const item = (name: string, index: number): Html => {
    if (index < current) return html`<li class="done">${name}</li>`;
    return index === current ? html`<li aria-current="step">${name}</li>` : html`<li>${name}</li>`;
  };
  return html`<ol class="steps">${STEPS.map(item)}</ol>`;
}

function page(title: string, current: number | null, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Tagout</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/setup/style.css">
</head>
<body>
<main>
<header><p>Tagout</p><h1>${title}</h1></header>
${current === null ? '' : steps(current)}
${body}
</main>
</body>
</html>`;
}

interface Field {
  readonly name: keyof WhereText;
  readonly label: string;
  readonly hint: string;
  readonly type: 'text' | 'url';
  readonly value: string;
  readonly problem: string | undefined;
  readonly placeholder: string;
  readonly required: boolean;
}

function field(one: Field): Html {
  const { name, problem } = one;
  const described = problem === undefined ? `${name}-hint` : `${name}-hint ${name}-error`;
  return html`<label for="${name}">${one.label}</label>
<p class="hint" id="${name}-hint">${one.hint}</p>
<input id="${name}" name="${name}" type="${one.type}" value="${one.value}" maxlength="300"
  placeholder="${one.placeholder}" autocomplete="off" autocapitalize="off" spellcheck="false"
  aria-describedby="${described}" aria-invalid="${problem === undefined ? 'false' : 'true'}"
  ${one.required ? 'required' : ''}>
${problem === undefined ? '' : html`<p class="error" id="${name}-error">${problem}</p>`}`;
}

export interface WherePage {
  readonly csrf: string;
  readonly text: WhereText;
  readonly problems: WhereProblems;
  /** GITHUB_API_URL says which GitHub it is, so that it is not asked. */
  readonly fixedGitHub: string | null;
}

/** First page: which organisation, which GitHub, and where webhooks reach this server. */
export function wherePage({ csrf, text, problems, fixedGitHub }: WherePage): Html {
  const organisation = field({
    name: 'organisation',
    label: 'Organisation',
    hint: 'The account that will own the app. Leave it empty for your own personal account.',
    type: 'text',
    value: text.organisation,
    problem: problems.organisation,
    placeholder: 'acme',
    required: false,
  });
  const publicUrl = field({
    name: 'publicUrl',
    label: 'Public address of this server',
    hint: 'GitHub sends webhooks there, so it must be reachable from GitHub: to try it on a laptop, the address of a tunnel. It can be changed later on the app’s settings page.',
    type: 'url',
    value: text.publicUrl,
    problem: problems.publicUrl,
    placeholder: 'https://tagout.example.com',
    required: true,
  });
  const githubUrl = field({
    name: 'githubUrl',
    label: 'GitHub',
    hint: 'Keep it as it is, unless you run GitHub Enterprise Server or have a ghe.com address.',
    type: 'url',
    value: text.githubUrl,
    problem: problems.githubUrl,
    placeholder: 'https://github.com',
    required: true,
  });
  const body = html`<p>Tagout needs a GitHub App of your own. This page prepares its registration;
nothing leaves this machine until you press the button on the next page.</p>
<form method="post" action="/setup/where">
<input type="hidden" name="csrf" value="${csrf}">
${organisation}
${publicUrl}
${fixedGitHub === null ? githubUrl : html`<p class="hint">GitHub is ${fixedGitHub}, as GITHUB_API_URL says.</p>`}
<button type="submit">Continue</button>
</form>`;
  return page('Register your GitHub App', 0, body);
}

export interface RegisterPage {
  /** Where the form is posted to, with the state. */
  readonly action: string;
  readonly manifest: string;
  readonly owner: string;
  readonly webhookUrl: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly events: readonly string[];
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}

/** Second page: what is asked for, and the one button that sends the manifest to GitHub. */
export function registerPage(one: RegisterPage): Html {
  const rows = Object.entries(one.permissions).map(
    ([name, access]) => html`<dt>${words(name)}</dt><dd>${access}</dd>`,
  );
  const body = html`<form method="post" action="${one.action}">
<h2>Ready to send</h2>
<p>GitHub will ask you to confirm a new app, owned by <strong>${one.owner}</strong>, that sends its
webhooks to <code>${one.webhookUrl}</code>. GitHub sends you back here afterwards.</p>
<input type="hidden" name="manifest" value="${one.manifest}">
<button type="submit">Register the app at GitHub</button>
</form>
<section>
<h2>What the app may do</h2>
<p>It cannot change code, workflows, secrets or settings.</p>
<dl>${rows}</dl>
<h2>What it is told of</h2>
<p>${one.events.map(words).join(', ')}.</p>
</section>
<p><a href="/setup">Back, to change something</a></p>`;
  return page('Register your GitHub App', 1, body);
}

export interface CreatedPage {
  readonly slug: string;
  readonly htmlUrl: string;
  readonly owner: string;
  readonly storedIn: string;
  readonly appId: number;
  readonly checkName: string;
}

/** Third page: the app is there; what a person has to do so that something is held. */
export function createdPage(one: CreatedPage): Html {
  const body = html`<p><strong>${one.slug}</strong> is registered for ${one.owner}. Its credentials
are in <code>${one.storedIn}</code>, readable by you only: keep a backup. Tagout now starts in your
terminal. <strong>Nothing is held yet</strong>; these steps do it:</p>
<section>
<ol class="todo">
<li><strong>Install the app</strong> on the repositories that deploy.
<p><a href="${one.htmlUrl}/installations/new" rel="noreferrer">Choose repositories at GitHub</a></p></li>
<li><strong>Enable the gate</strong> on each production environment of each repository.
<p>Settings → Environments → <code>production</code> → Deployment protection rules: tick
<strong>${one.slug}</strong>, untick “Allow administrators to bypass configured protection
rules”, and save. Private repositories need GitHub Enterprise for this; elsewhere Tagout can hold
the merge only.</p></li>
<li><strong>Require the check</strong> on the default branch.
<p>Settings → Rules → Rulesets → New branch ruleset → Require status checks: add
<code>${one.checkName}</code> with <strong>${one.slug}</strong> as its source (app id
${one.appId}), so that nobody else can report it.</p></li>
<li><strong>See what is guarded</strong> and what is not yet.
<p><code>npx tagout doctor</code> names each gap with the page or the command that mends it.</p></li>
<li><strong>Optionally write a policy.</strong>
<p><code>npx tagout init</code> in a repository proposes one. With none, one independent person
with write access must approve, and two when the blast radius is critical.</p></li>
</ol>
</section>
<p>You can close this page.</p>`;
  return page('Your app is registered', 2, body);
}

/** A refusal, with what to do next. */
export function refusedPage(title: string, sentence: string, again: boolean): Html {
  const link = again ? html`<p><a class="button" href="/setup">Begin again</a></p>` : '';
  return page(title, null, html`<p class="problem" role="alert">${sentence}</p>${link}`);
}
