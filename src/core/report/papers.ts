/** What a reader of the bundle is told: how to check it, and how its tables were made. */
import { controlsOf } from './controls.ts';
import { chartMarkup, chartsOf } from './charts.ts';
import type { Gathered } from './collect.ts';
import { iso } from './columns.ts';
import { CONTROL_ROWS } from './controls.ts';
import { EXCEPTION_KINDS, OTHER_KINDS } from './exceptions.ts';
import { markup, type Markup, pageText, tableMarkup } from './html.ts';
import { headline, type Told, type Wish } from './period.ts';
import type { Table } from './tables.ts';

export interface ReportAbout {
  readonly origin: string;
  readonly vkey: string;
  readonly size: number;
  readonly root: string;
  /** When the last checkpoint was signed: the report's own time, so that it is the same again. */
  readonly sealedMs: number;
  readonly redacted: number;
  readonly version: string;
  readonly wish: Wish;
}

function periodWords({ fromMs, toMs, repo }: Wish): string {
  const from = fromMs === null ? 'the first event' : (iso(fromMs) ?? '');
  const to = toMs === null ? 'the last' : (iso(toMs) ?? '');
  return `from ${from} until ${to}${repo === null ? '' : `, only ${repo}`}`;
}

/** How to check a bundle, with the key that was used; the reader must get the key elsewhere. */
export function verifyPaper(about: ReportAbout): string {
  return `# How to check this bundle

This folder holds the record of \`${about.origin}\` up to row ${about.size}, and a report made from
it. Nothing here has to be believed: everything follows from the key of the log. Get that key from
whoever runs the server, on another way than this folder came. It should read

    ${about.vkey}

With Node: \`npx tagout verify . --key KEY\`. With Python 3 alone: \`python3 verify.py . --key KEY\`.
Both end with 0 (intact), 1 (tampered) or 2 (cannot verify). Read \`verify.py\` first; it is short.
Give \`--anchor FILE\` a checkpoint that you got from somewhere else (a check run on GitHub, the
anchor repository, your own witness): it also shows a record that was cut or made anew.

What is checked: the signed manifest and every file's SHA-256; each row's bytes in \`events.jsonl\`
as leaves of an RFC 6962 tree; every checkpoint's signature, time, size and root; that each row's
time lies in its checkpoint's window; each row's form; that nothing was released without an earlier,
sealed decision that allowed it; and that each text in \`details.jsonl\` is the one that its row
commits to. Texts that were erased are counted, not guessed.

What no check of this folder shows: events that were never recorded (compare \`population.csv\`),
and, without an anchor, a record that was made anew by somebody who holds the key.

Columns that are sometimes empty: \`finished_at\`, \`artifact_digest\` and the final \`outcome\` are
GitHub's word and need \`population.csv\` to have been compared; GitHub computes digests only of a
workflow run's own artifacts and forgets them after their retention (90 days by default), and an
image in another registry is none of them. \`change_reason\`, \`ticket\`, \`commits_signed\`,
\`agent_sponsor_id\`, \`ci_result\` and \`checks_…\` are empty for deployments that were judged before
version 0.2 or that bring no pull request; \`ticket\` also when the pull request names none.
`;
}

/** How every table came about (information produced by the entity). */
export function queriesPaper(): string {
  const kinds = EXCEPTION_KINDS.map(({ type, severity }) => `--   ${type} (${severity})`).join(
    '\n',
  );
  const others = OTHER_KINDS.map(([type, severity, what]) => `--   ${type} (${severity}): ${what}`);
  return `-- Every table of this bundle is made from these rows, read once in leaf order.
select l.leaf_index, e.body from audit.leaf l join audit.event e on e.id = l.event_row
  where l.log_id = :installation order by l.leaf_index;
-- Personal texts that have not been erased:
select l.leaf_index, d.path, d.salt, d.value from audit.leaf l
  join audit.detail d on d.event_row = l.event_row
  where l.log_id = :installation order by l.leaf_index, d.path collate "C";
-- A deployment is one subject key and run attempt of kind 'deployment' for which a rule of the
-- policy speaks, or whose environment is named prod, production, prod-* or live. Its row is the
-- decision that the release names, else the newest. It was released when an event
-- 'effect.outcome' says that GitHub took 'review-deployment' with the state 'approved'.
-- It belongs to the period of its release or, unreleased, of its first decision.
-- population.csv compares GitHub's list of deployments (A), its workflow runs (B) and its log of
-- webhook deliveries (C) with these events (D), by repository, environment and commit.
-- The sample: SHA-256 of the last checkpoint's root in hexadecimal, a newline and the event_id; the
-- 25 smallest of the released deployments.
-- Exceptions by type:
${kinds}
${others.join('\n')}
`;
}

/** The control map as JSON text. */
export function controlsPaper(told: Told): string {
  return `${JSON.stringify(controlsOf(told), null, 2)}\n`;
}

const UNCOMPARED = markup`<p class="soft">GitHub was not asked here what it deployed. With
<code>GITHUB_TOKEN</code> (right to read deployments and actions) set, <code>npx tagout report --org
ORG --out DIR --population FILE</code> asks it, compares, and names every difference.</p>`;

/** The five numbers as a list, and how the fifth comes about where GitHub was not asked. */
export function figuresMarkup(told: Told): Markup {
  const items = headline(told).map(([name, value]) => markup`<li><b>${value}</b>${name}</li>`);
  return markup`<ul class="figures">${items}</ul>${told.population === null ? UNCOMPARED : null}`;
}

function controlsMarkup(): Markup {
  const rows = CONTROL_ROWS.map(
    (row) => markup`<tr>${row.map((value) => markup`<td>${value}</td>`)}</tr>`,
  );
  return markup`<div class="wide" tabindex="0" role="region" aria-label="Controls"><table><thead><tr>
<th scope="col">framework</th><th scope="col">control</th><th scope="col">supports</th>
<th scope="col">files</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function integrityMarkup(about: ReportAbout): Markup {
  return markup`<dl><dt>Log</dt><dd><code>${about.origin}</code></dd>
<dt>Rows</dt><dd>${about.size}</dd><dt>Root</dt><dd><code>${about.root}</code></dd>
<dt>Signed at</dt><dd>${iso(about.sealedMs)}</dd>
<dt>Verifier key</dt><dd><code>${about.vkey}</code></dd>
<dt>Erased texts</dt><dd>${about.redacted}</dd></dl>
<p>Check it yourself: <code>npx tagout verify . --key KEY</code> or
<code>python3 verify.py . --key KEY</code>, with the key from another source than this bundle.</p>`;
}

/** What no report can show. */
export const LIMITS: string = `Not shown: changes made outside GitHub; what an agent did with a credential that it
already held; rows younger than the last checkpoint; deployments through GitHub's API, unless the
completeness table was compared. A person's own token used by an agent looks like that person.`;

/** The whole report as one file without script. */
export function reportPage(
  about: ReportAbout,
  told: Told,
  more: { readonly gathered: Gathered; readonly tables: readonly Table[] },
): string {
  const charts = chartsOf(more.gathered, told).map(chartMarkup);
  const links = more.tables.map(({ name, title }) => markup`<a href="#${name}">${title}</a> `);
  const sections = more.tables.map(
    (table) => markup`<h2 id="${table.name}">${table.title}</h2>${tableMarkup(table)}`,
  );
  const body = markup`<h1>Deployments to production</h1>
<p class="soft">${periodWords(about.wish)}; made by Tagout ${about.version} from
<code>${about.origin}</code>, signed at ${iso(about.sealedMs)}</p>
${figuresMarkup(told)}<nav aria-label="Contents">${links}</nav>${charts}${sections}
<h2>Controls that this supports</h2>${controlsMarkup()}
<h2>Integrity</h2>${integrityMarkup(about)}<h2>Limits</h2><p>${LIMITS.replaceAll('\n', ' ')}</p>`;
  return pageText({ title: 'Deployments to production', body });
}
