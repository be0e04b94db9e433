/**
 * The six charts as plain SVG: classes only, no script and no style attribute, so that they pass
 * the strictest content policy. Each comes with its numbers, for readers who see no picture.
 */
import type { Gathered } from './collect.ts';
import { markup, type Markup } from './html.ts';
import { type Told, unexplained } from './period.ts';

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
/** Names longer than this are cut in a picture; its table has them whole. */
const NAME = 22;

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

function dayOfWeek(week: number): string {
  return new Date(week * WEEK_MS - 3 * 86_400_000).toISOString().slice(0, 10);
}

/** At most so many weeks or hours are drawn; the tables of the bundle hold all. */
const BARS = 60;

function counting<Name extends string>(
  weeks: ReadonlyMap<number, Readonly<Record<Name, number>>>,
  names: readonly Name[],
) {
  const known = [...weeks.keys()];
  const last = known.reduce((most, week) => Math.max(most, week), -1);
  const least = known.reduce((first, week) => Math.min(first, week), last);
  const first = Math.max(last - BARS + 1, least);
  const range =
    known.length === 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const series = names.map((name) => ({
    name: name.replace('_', ' '),
    values: range.map((week) => weeks.get(week)?.[name] ?? 0),
  }));
  return { labels: range.map(dayOfWeek), series };
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

function deploymentsByWeek({ summary }: Told): Chart {
  const names = ['approved', 'by_policy', 'break_glass', 'none', 'waiting', 'refused'] as const;
  const title = 'Deployments per week by disposition';
  return stackedChart(title, counting(summary.weeks, names));
}

function exceptionsByWeek({ summary }: Told): Chart {
  const names = ['low', 'medium', 'high'] as const;
  return stackedChart('Exceptions per week by severity', counting(summary.exceptionWeeks, names));
}

const RADII = ['low', 'medium', 'high', 'critical'] as const;
const SHARES = [0.25, 0.5, 0.75, 0.9, 1];

/** Points that a curve is drawn with, whatever their number. */
const POINTS = 200;

function timeToApprove({ summary }: Told): Chart {
  const title = 'Minutes from the request to the last counted approval, by blast radius';
  const curves = RADII.map((name) => ({ name, minutes: summary.minutes.get(name) ?? [] }));
  const most = Math.max(1, ...curves.map(({ minutes }) => minutes.at(-1) ?? 0));
  const base = HEIGHT - BOTTOM;
  // Minutes to days do not fit one straight scale.
  const x = (minutes: number): number =>
    LEFT + ((WIDTH - LEFT - 8) * Math.log1p(minutes)) / Math.log1p(most);
  const lines = curves.map(({ minutes }, at) => {
    const every = Math.max(1, Math.ceil(minutes.length / POINTS));
    const points = minutes.flatMap((value, index) => {
      if (index % every !== 0 && index !== minutes.length - 1) return [];
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
      // The last one would be cut by the edge.
      const anchor = x(value) > WIDTH - 40 ? 'end' : 'start';
      return markup`<text x="${round(x(value))}" y="${base + 16}" text-anchor="${anchor}">${name}</text>`;
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

function reconciliation(told: Told): Chart {
  const { population, differences, summary } = told;
  const side = (name: string): number => differences.filter((row) => row.side === name).length;
  const theirs: readonly (readonly [string, number])[] =
    population === null
      ? []
      : [
          ["A GitHub's deployments", population.deployments.length],
          ["B GitHub's workflow runs", population.runs.length],
          ["C GitHub's deliveries", population.deliveries.length],
          ['at GitHub, not in this log', side('github-only')],
          ['in this log, not at GitHub', side('log-only')],
          ['unexplained', unexplained(differences)],
        ];
  const note = population === null ? ' (GitHub was not asked)' : '';
  return horizontal(`Completeness: from GitHub to this log${note}`, [
    ...theirs,
    ['D judged in this log', summary.deployments],
    ['released by this log', summary.released],
  ]);
}

const PEOPLE = 12;

function busiest(counts: Iterable<readonly [string, number]>): readonly string[] {
  return [...counts]
    .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, PEOPLE)
    .map(([name]) => name);
}

function heatMap({ summary }: Told): Chart {
  const title = 'Who wrote (rows) and who approved (columns)';
  const { pairs } = summary;
  const sums = new Map<string, number>();
  for (const mine of pairs.values()) {
    for (const [name, value] of mine) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  const total = (mine: ReadonlyMap<string, number>): number =>
    [...mine.values()].reduce((sum, value) => sum + value, 0);
  const authors = busiest(Array.from(pairs, ([name, mine]) => [name, total(mine)] as const));
  const approvers = busiest(sums);
  const count = (author: string, approver: string): number => pairs.get(author)?.get(approver) ?? 0;
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
      markup`<text x="172" y="${30 + y * size + 23}" text-anchor="end">${name.slice(0, NAME)}</text>`,
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

function health({ hours }: Gathered): Chart {
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
export function chartsOf(gathered: Gathered, told: Told): readonly Chart[] {
  return [
    deploymentsByWeek(told),
    timeToApprove(told),
    reconciliation(told),
    heatMap(told),
    exceptionsByWeek(told),
    health(gathered),
  ];
}

/** A chart with the table of its numbers under it. */
export function chartMarkup({ title, svg, columns, rows }: Chart): Markup {
  const head = columns.map((name) => markup`<th scope="col">${name}</th>`);
  const body = rows.map((row) => markup`<tr>${row.map((value) => markup`<td>${value}</td>`)}</tr>`);
  return markup`<figure><figcaption>${title}</figcaption>
<div class="plot" tabindex="0" role="region" aria-label="${title}">${svg}</div>
<details><summary>The numbers</summary><div class="wide" tabindex="0" role="region"
aria-label="The numbers of: ${title}"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>
</details></figure>`;
}
