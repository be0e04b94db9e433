/** Small parts of pages: text that is never markup, tables, and the one style of every page. */
import type { Table } from './tables.ts';

/** Markup that was made here; everything else is text. */
export interface Markup {
  readonly html: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Invisible and direction-changing characters are shown, as agents write titles. */
const HIDDEN = /[\p{Cc}\p{Cf}]/gu;

function shown(text: string): string {
  return text
    .replace(HIDDEN, (char) => {
      if (char === '\n' || char === '\t') return char;
      return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
    })
    .replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
}

export type Part = Markup | string | number | null | readonly Part[];

function render(part: Part): string {
  if (part === null) return '';
  if (typeof part === 'string' || typeof part === 'number') return shown(String(part));
  if ('html' in part) return part.html;
  return part.map(render).join('');
}

/** Markup with parts in it: texts are escaped, markup is kept. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const html = strings
    .map((piece, at) => piece + (at < parts.length ? render(parts[at] ?? null) : ''))
    .join('');
  return { html };
}

export const STYLE = `
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;--paper:#fff;
--shade:#f6f8fa;--link:#0969da;--good:#1a7f37;--warn:#9a6700;--bad:#cf222e;--c1:#1f77b4;
--c2:#7b61c9;--c3:#d9730d;--c4:#cf222e;--c5:#6e7781;--c6:#9a6700}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--paper:#0d1117;
--shade:#161b22;--link:#58a6ff;--good:#3fb950;--warn:#d29922;--bad:#ff7b72;--c1:#58a6ff;
--c2:#b197fc;--c3:#f0883e;--c4:#ff7b72;--c5:#8b949e;--c6:#d29922}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main,footer{max-width:76rem;margin:0 auto;padding:1rem 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;
border-bottom:1px solid var(--line)}
header strong{font-size:1.05rem}nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:var(--link)}nav a[aria-current]{color:var(--ink);font-weight:600;text-decoration:none}
h1{font-size:1.6rem;line-height:1.25;margin:1rem 0 .25rem}
h1+dl,h1+.wide{margin-top:1rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}p{max-width:48rem}
.soft,footer{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.75rem;
margin:1rem 0;padding:0;list-style:none}
.figures li{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}
.figures b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.5rem .6rem;color:var(--soft)}
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid var(--line)}
th{background:var(--shade);white-space:nowrap}tr:last-child td{border-bottom:0}
td{min-width:6.5rem;max-width:26rem;overflow-wrap:break-word}td.id{white-space:nowrap;overflow-wrap:normal}
th.n,td.n{min-width:0;text-align:right}
code,.mono{font:.85em ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}
pre{background:var(--shade);border-radius:.5rem;padding:.75rem;overflow-x:auto}
figure{margin:1rem 0;padding:1rem;border:1px solid var(--line);border-radius:.5rem}
figcaption{font-weight:600;margin-bottom:.5rem}svg{display:block;width:100%;height:auto}
.plot{overflow-x:auto}.plot svg{min-width:50rem}
svg text{fill:var(--soft);font:10px system-ui,sans-serif}svg .axis{stroke:var(--line)}
.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}
.f6{fill:var(--c6)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}
.s4{stroke:var(--c4)}.line{fill:none;stroke-width:2}details{margin:.5rem 0}
summary{cursor:pointer;color:var(--link)}
form{display:flex;flex-wrap:wrap;gap:.5rem .75rem;align-items:end;margin:1rem 0}
label{display:grid;gap:.15rem;font-size:.85rem;color:var(--soft)}
input,select,button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);
border-radius:.375rem;padding:.35rem .55rem;min-width:0;max-width:100%;height:2.3rem}
button{background:var(--shade);cursor:pointer}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.tag{display:inline-block;border:1px solid currentColor;border-radius:1rem;padding:0 .5rem;
font-size:.8rem;white-space:nowrap}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1rem;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ol.steps{padding-left:1.25rem}ol.steps>li{margin:.75rem 0}
.paper{display:none}.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper)}
@media(max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.4rem}
td{min-width:10rem}td.id{min-width:0}}
@media print{nav,form,.skip,.long,figure details{display:none}.wide,.plot{overflow:visible}
.plot svg{min-width:0}table{font-size:8px}td{min-width:0}th{white-space:normal}.paper{display:block}body{font-size:11px}
figure,tr{break-inside:avoid}}
`;

export interface Page {
  readonly title: string;
  readonly body: Markup;
  readonly nav?: Markup;
  /** Where the style lies; left out, it stands in the page. */
  readonly styleHref?: string;
}

/** A whole page without any script. */
export function pageText({ title, body, nav, styleHref }: Page): string {
  const style =
    styleHref === undefined
      ? { html: `<style>${STYLE}</style>` }
      : markup`<link rel="stylesheet" href="${styleHref}">`;
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Tagout</title>${style}</head>
<body><a class="skip" href="#main">To the content</a>
<header><strong>Tagout audit</strong>${nav ?? ''}</header>
<main id="main">${body}</main>
<footer>Every number here is made from events that lie in a signed log. Times are UTC.</footer>
</body></html>
`.html;
}

const SHORT = /_sha256$|_sha$|^event_id$|^before$|^after$/;

/** What holds numbers stands at the right. */
const NUMBER: Markup = { html: ' class="n"' };

/** Where a cell leads; null: nowhere. */
export type CellLink = (column: string, value: string) => string | null;

function cell(column: string, value: string | number | null, linkOf: CellLink): Markup {
  if (value === null || value === '') return markup`<td></td>`;
  const text = String(value);
  if (column === 'link') {
    return markup`<td class="id"><a href="${text}" rel="noreferrer">on GitHub</a></td>`;
  }
  if (SHORT.test(column)) {
    return markup`<td class="id"><code title="${text}">${text.slice(0, 12)}</code></td>`;
  }
  const time = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d\.\d{3}Z$/.exec(text);
  if (time !== null) {
    return markup`<td class="id"><time datetime="${text}">${time[1] ?? ''} ${time[2] ?? ''}</time></td>`;
  }
  const href = linkOf(column, text);
  const shown = href === null ? text : markup`<a href="${href}">${text}</a>`;
  return markup`<td${typeof value === 'number' ? NUMBER : null}>${shown}</td>`;
}

/** More columns than these do not fit on paper. */
const PAPER_COLUMNS = 14;

/** A table that scrolls by itself; columns that are empty in every row are left out. */
export function tableMarkup(
  table: Table,
  limit: number = 500,
  linkOf: CellLink = () => null,
): Markup {
  const used = table.columns.flatMap((name, at) =>
    table.rows.some((row) => (row[at] ?? null) !== null && row[at] !== '')
      ? [{ name, at, counts: table.rows.every((row) => typeof (row[at] ?? 0) === 'number') }]
      : [],
  );
  if (table.rows.length === 0) return markup`<p class="soft">None in this period.</p>`;
  const more =
    (table.total ?? table.rows.length) > Math.min(limit, table.rows.length)
      ? markup`<caption>${Math.min(limit, table.rows.length)} of ${table.total ?? table.rows.length}; all are in
        ${table.name}.csv.</caption>`
      : '';
  // What no sheet of paper is wide enough for is left to the CSV.
  const long = used.length > PAPER_COLUMNS;
  const note = long ? markup`<p class="paper">${table.name}.csv has these rows.</p>` : '';
  return markup`${note}<div class="wide${long ? ' long' : ''}" tabindex="0" role="region" aria-label="${table.title}"><table>${more}
<thead><tr>${used.map(({ name, counts }) => markup`<th scope="col"${counts ? NUMBER : null}>${name.replaceAll('_', ' ')}</th>`)}</tr>
</thead><tbody>${table.rows
    .slice(0, limit)
    .map(
      (row) =>
        markup`<tr>${used.map(({ name, at }) => cell(name, row[at] ?? null, linkOf))}</tr>\n`,
    )}
</tbody></table></div>`;
}
