/**
 * The six charts as plain SVG: classes only, no script and no style attribute, so that they pass
 * the strictest content policy. Each comes with its numbers, for readers who see no picture.
 */
import type { Collected } from './collect.ts';
import { markup, type Markup } from './html.ts';
import type { Period } from './period.ts';
import { type Settled, timeOf } from './row.ts';

interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Chart {
  readonly title: string;
  readonly svg: Markup;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 40;
const TOP = 28;
const WEEK_MS = 7 * 86_400_000;

const round = (value: number): string => value.toFixed(1);

function frame(title: string, inner: readonly Markup[], height: number = HEIGHT): Markup {
  return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">${inner}</svg>`;
}

function legend(names: readonly string[]): readonly Markup[] {
  let x = LEFT;
  return names.map((name, at) => {
    const from = x;
    x += 26 + name.length * 7;
    return markup`<rect class="f${at + 1}" x="${from}" y="4" width="12" height="12" rx="2"/>
<text x="${from + 17}" y="14">${name}</text>`;
  });
}

function axes(most: number): readonly Markup[] {
  const base = HEIGHT - BOTTOM;
  const steps = [...new Set([0, Math.ceil(most / 2), most])];
  return steps.map((value) => {
    const y = base - ((base - TOP) * value) / Math.max(1, most);
    return markup`<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${round(y)}" y2="${round(y)}"/>
<text x="${LEFT - 6}" y="${round(y + 4)}" text-anchor="end">${value}</text>`;
  });
}

/** Bars on top of each other, one for each label. */
function stacked(title: string, labels: readonly string[], series: readonly Series[]): Markup {
  const totals = labels.map((_, at) =>
    series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0),
  );
  const most = Math.max(1, ...totals);
  const base = HEIGHT - BOTTOM;
  const step = (WIDTH - LEFT) / Math.max(1, labels.length);
  const every = Math.ceil(labels.length / 10);
  const bars = labels.flatMap((label, at) => {
    let y = base;
    const x = LEFT + at * step + step * 0.15;
    const parts = series.flatMap(({ name, values }, index) => {
      const value = values[at] ?? 0;
      if (value === 0) return [];
      const height = ((base - TOP) * value) / most;
      y -= height;
      return [
        markup`<rect class="f${index + 1}" x="${round(x)}" y="${round(y)}" width="${round(step * 0.7)}" height="${round(height)}"><title>${label}: ${value} ${name}</title></rect>`,
      ];
    });
    const text =
      at % every === 0 && x < WIDTH - 55
        ? [markup`<text x="${round(x)}" y="${base + 16}">${label}</text>`]
        : [];
    return [...parts, ...text];
  });
  return frame(title, [...legend(series.map(({ name }) => name)), ...axes(most), ...bars]);
}

function weekOf(atMs: number): number {
  // Weeks begin on Monday; day 0 was a Thursday.
  return Math.floor((atMs + 3 * 86_400_000) / WEEK_MS);
}

function dayOfWeek(week: number): string {
  return new Date(week * WEEK_MS - 3 * 86_400_000).toISOString().slice(0, 10);
}

/** At most so many weeks or hours are drawn; the tables of the bundle hold all. */
const BARS = 60;

function byWeek<T>(rows: readonly T[], at: (row: T) => number) {
  const weeks = rows.map((row) => weekOf(at(row)));
  if (weeks.length === 0) return { labels: [], indexOf: () => -1 };
  const last = weeks.reduce((most, week) => Math.max(most, week), 0);
  const least = weeks.reduce((first, week) => Math.min(first, week), last);
  const first = Math.max(last - BARS + 1, least);
  const labels = Array.from({ length: last - first + 1 }, (_, i) => dayOfWeek(first + i));
  return { labels, indexOf: (row: T): number => weekOf(at(row)) - first };
}

function counting<T>(
  rows: readonly T[],
  at: (row: T) => number,
  groups: readonly (readonly [string, (row: T) => boolean])[],
) {
  const { labels, indexOf } = byWeek(rows, at);
  const series = groups.map(([name, is]) => {
    const values = labels.map(() => 0);
    for (const row of rows) {
      const index = indexOf(row);
      if (is(row) && values[index] !== undefined) values[index] += 1;
    }
    return { name, values };
  });
  return { labels, series };
}

function stackedChart(
  title: string,
  { labels, series }: { readonly labels: readonly string[]; readonly series: readonly Series[] },
): Chart {
  return {
    title,
    svg: stacked(title, labels, series),
    columns: ['week of', ...series.map(({ name }) => name)],
    rows: labels.map((label, at) => [label, ...series.map(({ values }) => values[at] ?? 0)]),
  };
}

function deploymentsByWeek({ deployments }: Period): Chart {
  const groups = ['approved', 'by_policy', 'break_glass', 'none', 'waiting', 'refused'] as const;
  return stackedChart(
    'Deployments per week by disposition',
    counting(
      deployments,
      timeOf,
      groups.map((name) => [name.replace('_', ' '), (row: Settled) => row.disposition === name]),
    ),
  );
}

function exceptionsByWeek({ exceptions }: Period): Chart {
  const severities = ['low', 'medium', 'high'] as const;
  return stackedChart(
    'Exceptions per week by severity',
    counting(
      exceptions,
      (row) => row.atMs,
      severities.map((name) => [name, (row) => row.severity === name]),
    ),
  );
}

const RADII = ['low', 'medium', 'high', 'critical'] as const;
const SHARES = [0.25, 0.5, 0.75, 0.9, 1];

function approvalTimes(rows: readonly Settled[], radius: string): readonly number[] {
  return rows
    .filter((row) => row.radius === radius && row.approvers.length > 0)
    .map((row) => Math.max(...row.approvers.map(({ atMs }) => atMs)) - row.requestedAtMs)
    .map((ms) => Math.max(0, ms / 60_000))
    .toSorted((a, b) => a - b);
}

function timeToApprove({ deployments }: Period): Chart {
  const title = 'Minutes from the request to the last counted approval, by blast radius';
  const curves = RADII.map((name) => ({ name, minutes: approvalTimes(deployments, name) }));
  const most = Math.max(1, ...curves.map(({ minutes }) => minutes.at(-1) ?? 0));
  const base = HEIGHT - BOTTOM;
  // Minutes to days do not fit one straight scale.
  const x = (minutes: number): number =>
    LEFT + ((WIDTH - LEFT - 8) * Math.log1p(minutes)) / Math.log1p(most);
  const lines = curves.map(({ minutes }, at) => {
    const points = minutes.flatMap((value, index) => {
      const y = base - ((base - TOP) * (index + 1)) / minutes.length;
      return [`${round(x(value))},${round(y)}`];
    });
    const start = minutes.length === 0 ? [] : [`${round(x(minutes[0] ?? 0))},${base}`];
    return markup`<polyline class="line s${at + 1}" points="${[...start, ...points].join(' ')}"/>`;
  });
  const labels = [0, 1, 10, 60, 360, 1440, 10_080]
    .filter((value) => value <= most)
    .map((value) => {
      const name =
        value < 60 ? `${value} min` : value < 1440 ? `${value / 60} h` : `${value / 1440} d`;
      return markup`<text x="${round(x(value))}" y="${base + 16}">${name}</text>`;
    });
  return {
    title,
    svg: frame(title, [...legend([...RADII]), ...axes(100), ...lines, ...labels]),
    columns: [
      'blast radius',
      'deployments',
      ...SHARES.map((share) => `${share * 100} % within (min)`),
    ],
    rows: curves.map(({ name, minutes }) => [
      name,
      minutes.length,
      ...SHARES.map((share) => {
        const value = minutes[Math.ceil(share * minutes.length) - 1];
        return value === undefined ? '–' : Math.round(value);
      }),
    ]),
  };
}

function horizontal(title: string, rows: readonly (readonly [string, number])[]): Chart {
  const most = Math.max(1, ...rows.map(([, value]) => value));
  const height = 16 + rows.length * 30;
  const bars = rows.map(([name, value], at) => {
    const y = 8 + at * 30;
    const width = ((WIDTH - 330) * value) / most;
    return markup`<text x="250" y="${y + 15}" text-anchor="end">${name}</text>
<rect class="f${(at % 5) + 1}" x="260" y="${y}" width="${round(Math.max(1, width))}" height="20" rx="2"/>
<text x="${round(268 + width)}" y="${y + 15}">${value}</text>`;
  });
  return { title, svg: frame(title, bars, height), columns: ['what', 'count'], rows };
}

function reconciliation(period: Period): Chart {
  const { population, differences, deployments } = period;
  const released = deployments.filter((row) => row.releasedAtMs !== null).length;
  const side = (name: string): number => differences.filter((row) => row.side === name).length;
  const theirs: readonly (readonly [string, number])[] =
    population === null
      ? []
      : [
          ["GitHub's deployments", population.length],
          ['at GitHub, not in this log', side('github-only')],
          ['in this log, not at GitHub', side('log-only')],
        ];
  const note = population === null ? ' (GitHub was not asked)' : '';
  return horizontal(`Completeness: from GitHub to this log${note}`, [
    ...theirs,
    ['judged in this log', deployments.length],
    ['released by this log', released],
  ]);
}

const PEOPLE = 12;

function busiest(names: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, PEOPLE)
    .map(([name]) => name);
}

function heatMap({ deployments }: Period): Chart {
  const title = 'Who wrote (rows) and who approved (columns)';
  const nameOf = (one: { readonly id: number | null; readonly login: string | null } | null) =>
    one === null ? 'unknown' : (one.login ?? `account ${one.id}`);
  const pairs = deployments
    .filter((row) => row.releasedAtMs !== null)
    .flatMap((row) =>
      row.authors.flatMap((author) =>
        row.approvers.map((one) => [nameOf(author), nameOf(one)] as const),
      ),
    );
  const authors = busiest(pairs.map(([author]) => author));
  const approvers = busiest(pairs.map(([, approver]) => approver));
  const count = (author: string, approver: string): number =>
    pairs.filter(([a, b]) => a === author && b === approver).length;
  const grid = authors.map((author) => approvers.map((approver) => count(author, approver)));
  const most = Math.max(1, ...grid.flat());
  const size = 40;
  const cells = grid.flatMap((row, y) =>
    row.map((value, x) => {
      const opacity = value === 0 ? 0.06 : 0.25 + (0.75 * value) / most;
      return markup`<rect class="f1" opacity="${opacity.toFixed(2)}" x="${180 + x * size}" y="${30 + y * size}" width="${size - 3}" height="${size - 3}" rx="3"><title>${authors[y] ?? ''} → ${approvers[x] ?? ''}: ${value}</title></rect>`;
    }),
  );
  const rows = authors.map(
    (name, y) =>
      markup`<text x="172" y="${30 + y * size + 23}" text-anchor="end">${name.slice(0, 22)}</text>`,
  );
  const heads = approvers.map(
    (name, x) =>
      markup`<text x="${180 + x * size}" y="${x % 2 === 0 ? 22 : 10}">${name.slice(0, 11)}</text>`,
  );
  return {
    title,
    svg: frame(title, [...cells, ...rows, ...heads], 40 + Math.max(1, authors.length) * size),
    columns: ['author', ...approvers],
    rows: authors.map((name, y) => [name, ...(grid[y] ?? [])]),
  };
}

function health({ hours }: Collected): Chart {
  const title = 'Events per hour; a gap is an hour in which the gate recorded nothing';
  const known = [...hours.keys()].toSorted((a, b) => a - b);
  const last = known.at(-1) ?? 0;
  const first = Math.max(known[0] ?? 0, last - 24 * 14);
  const width = (WIDTH - LEFT) / Math.max(1, last - first + 1);
  const recent = known.filter((hour) => hour >= first);
  const most = Math.max(1, ...recent.map((hour) => hours.get(hour) ?? 0));
  const base = HEIGHT - BOTTOM;
  const bars = recent.map((hour) => {
    const value = hours.get(hour) ?? 0;
    const height = Math.max(1, ((base - TOP) * value) / most);
    const x = LEFT + (hour - first) * width;
    return markup`<rect class="f1" x="${round(x)}" y="${round(base - height)}" width="${round(Math.max(0.5, width))}" height="${round(height)}"/>`;
  });
  const day = (hour: number): string => new Date(hour * 3_600_000).toISOString().slice(0, 10);
  const days = new Map<string, number>();
  for (const hour of recent)
    days.set(day(hour), (days.get(day(hour)) ?? 0) + (hours.get(hour) ?? 0));
  const ends = [
    markup`<text x="${LEFT}" y="${base + 16}">${day(first)}</text>`,
    markup`<text x="${WIDTH}" y="${base + 16}" text-anchor="end">${day(last)}</text>`,
  ];
  return {
    title,
    svg: frame(title, [...axes(most), ...bars, ...ends]),
    columns: ['day', 'events'],
    rows: [...days],
  };
}

/** The six charts of the report. */
export function chartsOf(collected: Collected, period: Period): readonly Chart[] {
  return [
    deploymentsByWeek(period),
    timeToApprove(period),
    reconciliation(period),
    heatMap(period),
    exceptionsByWeek(period),
    health(collected),
  ];
}

/** A chart with the table of its numbers under it. */
export function chartMarkup({ title, svg, columns, rows }: Chart): Markup {
  const head = columns.map((name) => markup`<th scope="col">${name}</th>`);
  const body = rows.map((row) => markup`<tr>${row.map((value) => markup`<td>${value}</td>`)}</tr>`);
  return markup`<figure><figcaption>${title}</figcaption>${svg}
<details><summary>The numbers</summary><div class="wide" tabindex="0" role="region"
aria-label="${title}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
</details></figure>`;
}
