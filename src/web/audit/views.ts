/** The audit pages as markup: made of the report's own tables and charts. */
import { chartMarkup, chartsOf } from '../../core/report/charts.ts';
import { type Cell, cellsOf, COLUMNS, iso } from '../../core/report/columns.ts';
import { exceptionsOf } from '../../core/report/exceptions.ts';
import { type CellLink, markup, type Markup, tableMarkup } from '../../core/report/html.ts';
import { figuresMarkup } from '../../core/report/papers.ts';
import type { Period } from '../../core/report/period.ts';
import {
  dryRunOf,
  type Person,
  reviewAfterOf,
  type Settled,
  timeOf,
} from '../../core/report/row.ts';
import { forPage } from '../../core/report/record-tables.ts';
import { exceptionCells, EXCEPTIONS, smallTable } from '../../core/report/tables.ts';
import type { Table } from '../../core/report/tables.ts';
import type { LogVerdict } from '../../core/audit/verify.ts';
import { counted } from '../../core/words/text.ts';
import type { LinkTo } from './frame.ts';
import type { LogView } from './source.ts';

export interface Filter {
  readonly from: string;
  readonly to: string;
  readonly repo: string;
  readonly disposition: string;
  readonly agent: string;
  readonly page: number;
}

const PAGE_ROWS = 50;

const WORDS: Readonly<Record<Settled['disposition'], readonly [string, string]>> = {
  approved: ['good', 'approved'],
  by_policy: ['warn', 'allowed by the policy, no review'],
  break_glass: ['warn', 'break glass'],
  none: ['bad', 'released without any approval'],
  refused: ['soft', 'refused'],
  waiting: ['soft', 'held'],
};

function tag(row: Settled): Markup {
  const [look, word] = WORDS[row.disposition];
  return markup`<span class="tag ${look}">${word}</span>`;
}

function name(person: Person | null): string {
  if (person === null) return 'unknown';
  return person.login ?? `account ${person.id ?? 'unknown'} (name erased)`;
}

function time(atMs: number | null): Markup {
  const text = iso(atMs);
  if (text === null) return markup`–`;
  return markup`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 19)}</time>`;
}

/** The first page: five numbers, six charts. */
export function overviewMarkup(view: LogView, period: Period): Markup {
  return markup`<h1>Deployments to production</h1>
<p class="soft">${view.size} rows in the log <code>${view.origin}</code>, signed
${time(view.sealedMs)}</p>${figuresMarkup(period)}
${chartsOf(view.collected, period).map(chartMarkup)}`;
}

function input(label: string, field: string, value: string, type = 'text'): Markup {
  return markup`<label>${label}<input type="${type}" name="${field}" value="${value}"></label>`;
}

/** How the register's links and its form name the record. */
export interface RegisterLinks {
  readonly to: LinkTo;
  /** The record, where the reader has several. */
  readonly hidden: number | null;
}

function filterForm(filter: Filter, { hidden }: RegisterLinks): Markup {
  const log = hidden === null ? null : markup`<input type="hidden" name="log" value="${hidden}">`;
  const options = ['', ...Object.keys(WORDS)].map((value) => {
    const label = value === '' ? 'all' : value.replace('_', ' ');
    return value === filter.disposition
      ? markup`<option value="${value}" selected>${label}</option>`
      : markup`<option value="${value}">${label}</option>`;
  });
  return markup`<form method="get" action="/audit/register">
${input('from', 'from', filter.from, 'date')}${input('until', 'to', filter.to, 'date')}
${input('repository', 'repo', filter.repo)}${input('agent', 'agent', filter.agent)}
<label>disposition<select name="disposition">${options}</select></label>
${log}<button type="submit">Filter</button></form>`;
}

function registerRow(row: Settled, to: LinkTo): Markup {
  const title = row.titles.map((one) => one ?? '(erased)').join('; ');
  const pulls = row.pulls.map((pull) => `#${pull}`).join(' ');
  return markup`<tr><td class="id">${time(timeOf(row))}</td>
<td><a href="${to(`/audit/deployment/${row.leafIndex}`)}">${row.repo} → ${row.environment}</a></td>
<td>${pulls} ${title}</td><td>${[row.origin, ...row.agents].join(', ')}</td>
<td>${row.radius}</td><td>${row.approvers.map(name).join(', ') || 'nobody'}</td>
<td>${tag(row)}</td></tr>\n`;
}

function pageLinks(filter: Filter, pages: number, linkTo: LinkTo): Markup | null {
  if (pages < 2) return null;
  const link = (page: number, word: string): Markup => {
    const { from, to, repo, disposition, agent } = filter;
    const query = new URLSearchParams({ from, to, repo, disposition, agent, page: String(page) });
    return markup`<a href="${linkTo(`/audit/register?${query.toString()}`)}">${word}</a> `;
  };
  return markup`<p>${filter.page > 1 ? link(filter.page - 1, 'Earlier page') : null}
page ${filter.page} of ${pages} ${filter.page < pages ? link(filter.page + 1, 'Next page') : null}</p>`;
}

/** The register, newest first, with its filters. */
export function registerMarkup(period: Period, filter: Filter, links: RegisterLinks): Markup {
  const places = period.marks
    .flatMap(({ disposition, agents }, at) =>
      (filter.disposition === '' || disposition === filter.disposition) &&
      (filter.agent === '' || agents.includes(filter.agent))
        ? [at]
        : [],
    )
    .toReversed();
  const pages = Math.max(1, Math.ceil(places.length / PAGE_ROWS));
  const shown = places
    .slice((filter.page - 1) * PAGE_ROWS, filter.page * PAGE_ROWS)
    .map((at) => period.deployments.at(at));
  const heads = ['when', 'what', 'change', 'written by', 'radius', 'approved by', 'disposition'];
  return markup`<h1>Register</h1>${filterForm(filter, links)}
<p class="soft">${places.length} of ${period.deployments.length} deployments</p>
<div class="wide" tabindex="0" role="region" aria-label="Register"><table><thead><tr>
${heads.map((head) => markup`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${shown.map((row) => registerRow(row, links.to))}</tbody></table></div>${pageLinks(filter, pages, links.to)}`;
}

function reviews(row: Settled): Markup {
  const counted = row.approvers.map(
    (one) => markup`<li><span class="good">counted</span> ${name(one)} (${one.permission}) at
${time(one.atMs)} on <code>${one.reviewedSha.slice(0, 12)}</code>
${one.independent ? '' : markup`<span class="bad">not independent</span>`}</li>`,
  );
  const refused = row.refused.map(
    ({ person, pull, codes }) => markup`<li><span class="soft">refused</span> ${name(person)}
${pull === null ? '' : `on #${pull}`}: ${codes.join(', ')}</li>`,
  );
  const all = [...counted, ...refused];
  return all.length === 0 ? markup`<p>Nobody reviewed.</p>` : markup`<ul>${all}</ul>`;
}

function changes(row: Settled): Markup {
  const items = row.pulls.map(
    (pull, at) => markup`<li>#${pull} ${row.titles[at] ?? '(title erased)'} by
${name(row.authors[at] ?? null)}, head <code>${(row.heads[at] ?? '').slice(0, 12)}</code></li>`,
  );
  const none = markup`<p class="bad">No reviewed pull request.</p>`;
  return items.length === 0 ? none : markup`<ul>${items}</ul>`;
}

/** For broken glass: who looked afterwards, or until when somebody has to. */
function afterwards(row: Settled, asOfMs: number): Markup | null {
  const after = reviewAfterOf(row, asOfMs);
  if (after === null) return null;
  const items = row.reviewedAfter.map(
    ({ outcome, person, pull, atMs }) => markup`<li>${outcome.replace('-', ' ')} by ${name(person)}
on #${pull} at ${time(atMs)}</li>`,
  );
  const state = after.state === 'overdue' ? markup`, <span class="bad">overdue</span>` : null;
  const done = items.length === 0 ? markup`: nobody yet` : markup`<ul>${items}</ul>`;
  return markup`<li><strong>Review afterwards</strong>, due by ${time(after.dueMs)}${state}${done}</li>
`;
}

/** One deployment from the request to the proof. */
export function deploymentMarkup(view: LogView, row: Settled): Markup {
  const asOfMs = view.collected.lastMs ?? 0;
  const exceptions = exceptionsOf(row, asOfMs);
  const found = exceptions.map(
    ({ type, severity, detail }) =>
      markup`<li><strong>${type}</strong> (${severity}): ${detail}</li>`,
  );
  const all: readonly (readonly [string, Cell])[] = cellsOf(row, {
    exceptions: exceptions.map(({ type }) => type),
    checkpointSize: view.size,
  }).map((value, at) => [COLUMNS[at]?.[0] ?? '', value]);
  const fields = all
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => markup`<dt>${key.replaceAll('_', ' ')}</dt><dd>${value}</dd>`);
  return markup`<h1>${row.repo} → ${row.environment}</h1><p>${tag(row)}</p>
${found.length === 0 ? '' : markup`<h2>Exceptions</h2><ul>${found}</ul>`}
<h2>What happened</h2><ol class="steps">
<li><strong>Requested</strong> ${time(row.requestedAtMs)} by ${name(row.requester)}: commit
<code>${row.sha.slice(0, 12)}</code>, run ${row.runId ?? 'unknown'}, ${counted(row.commits, 'commit')}</li>
<li><strong>The change</strong>, written by ${[row.origin, ...row.agents].join(', ')}${changes(row)}</li>
<li><strong>Dry run</strong> ${dryRunOf(row)}; blast radius <strong>${row.radius}</strong>${
    row.dangers.length === 0 ? '' : `: ${row.dangers.join(', ')}`
  }</li>
<li><strong>Reviews</strong>${reviews(row)}</li>
<li><strong>Decision</strong> ${row.verdict}, ${time(row.decidedAtMs)}${
    row.holds.length === 0 ? '' : `; held by ${row.holds.join(', ')}`
  }</li>
<li><strong>Release</strong> ${
    row.releasedAtMs === null ? 'none' : markup`${time(row.releasedAtMs)}, row ${row.releaseLeaf}`
  }</li>
${afterwards(row, asOfMs)}<li><strong>Proof</strong> row ${row.leafIndex} of <code>${view.origin}</code>, under the checkpoint
of ${view.size} rows with root <code>${view.root.slice(0, 16)}…</code>;
<code>npx tagout report --out DIR</code> writes it for somebody else to check</li></ol>
<h2>Every recorded field</h2><dl>${fields}</dl>`;
}

const SHOWN_ROWS = 500;

/** The exceptions, worst first, as far as a page shows them. */
function exceptionsTable({ summary }: Period): Table {
  const rows = summary.worst.slice(0, SHOWN_ROWS).map(exceptionCells);
  return { ...EXCEPTIONS, rows, total: summary.exceptions };
}

/** Tables whose row of the log is that of a deployment. */
const LEAD_TO_DEPLOYMENTS: ReadonlySet<string> = new Set(['exceptions', 'samples', 'break_glass']);

/** A table of the bundle by its name, with its title where it is not the page's own. */
export function tableOf(
  view: LogView,
  period: Period,
  about: { readonly title: string; readonly name: string; readonly to: LinkTo },
): Markup | null {
  const { title, name: wanted, to } = about;
  const table =
    wanted === EXCEPTIONS.name
      ? exceptionsTable(period)
      : smallTable(wanted, view.collected, period);
  if (table === null) return null;
  const leads = LEAD_TO_DEPLOYMENTS.has(wanted);
  const linkOf: CellLink = (column, value) =>
    leads && column === 'leaf_index' ? to(`/audit/deployment/${value}`) : null;
  const head = table.title === title ? null : markup`<h2>${table.title}</h2>`;
  return markup`${head}${tableMarkup(forPage(table), SHOWN_ROWS, linkOf)}`;
}

const HEADLINE: Readonly<Record<LogVerdict['verdict'], readonly [string, string]>> = {
  intact: ['good', 'Intact: every row is the one that was signed, in its order.'],
  tampered: ['bad', 'Tampered: this record is not the one that was signed.'],
  unverifiable: ['warn', 'Cannot verify: something that is needed for a verdict is missing.'],
};

function verdictMarkup(verdict: LogVerdict): Markup {
  const [look, words] = HEADLINE[verdict.verdict];
  const problems = verdict.problems.map(
    ({ code, message }) => markup`<li>${code}: ${message}</li>`,
  );
  return markup`<p role="status"><strong class="${look}">${words}</strong></p>
<p>${verdict.leaves} rows read, ${verdict.redacted} texts erased.</p><ul>${problems}</ul>`;
}

/** What the log is, and the button that checks it. */
export function verificationMarkup(
  view: LogView,
  verdict: LogVerdict | null,
  form: { readonly action: string; readonly field: Markup },
): Markup {
  return markup`<h1>Verification</h1>
<dl><dt>Log</dt><dd><code>${view.origin}</code></dd><dt>Rows sealed</dt><dd>${view.size}</dd>
<dt>Root</dt><dd><code>${view.root}</code></dd><dt>Signed</dt><dd>${time(view.sealedMs)}</dd>
<dt>Verifier key</dt><dd><code>${view.vkey}</code></dd></dl>
${verdict === null ? '' : verdictMarkup(verdict)}
<form method="post" action="${form.action}">${form.field}<button type="submit">Verify every row now</button>
</form><p>This check runs on the server that made the record. For one that does not trust it, write a
bundle with <code>npx tagout report --out DIR</code> and run <code>npx tagout verify DIR --key KEY</code>
or its <code>verify.py</code> elsewhere, with a checkpoint from another place as
<code>--anchor</code>.</p>`;
}
