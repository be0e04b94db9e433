/** The frame of every page: one style sheet, light and dark, no script. */
import type { Reply } from './http.ts';
import { escapeHtml } from './markdown.ts';

const style = `
:root { color-scheme: light dark; --bg: #f6f8fa; --card: #fff; --text: #1f2328; --soft: #59636e;
  --line: #d1d9e0; --good: #1a7f37; --bad: #d1242f; --wait: #9a6700; --link: #0969da; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --card: #151b23; --text: #f0f6fc;
  --soft: #9198a1; --line: #3d444d; --good: #3fb950; --bad: #f85149; --wait: #d29922;
  --link: #4493f8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main, header { max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem; }
header a { font-weight: 600; text-decoration: none; }
a { color: var(--link); } h1 { font-size: 1.5rem; margin: .25rem 0 .75rem; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; } .soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .9rem 1.1rem; margin: 0 0 1rem; overflow-x: auto; }
.good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); }
.pill { display: inline-block; border: 1px solid currentColor; border-radius: 1rem;
  padding: 0 .6rem; font-size: .85rem; font-weight: 600; }
.label { display: inline-block; border-radius: 1rem; padding: 0 .6rem; font-size: .85rem; }
table { border-collapse: collapse; } td, th { border: 1px solid var(--line); padding: .25rem .6rem;
  text-align: left; vertical-align: top; }
pre, code { font: 13px/1.45 ui-monospace, monospace; background: var(--bg); border-radius: .3rem; }
code { padding: .1rem .3rem; } pre { padding: .6rem; overflow-x: auto; }
form { display: inline-flex; gap: .4rem; flex-wrap: wrap; margin: .15rem .4rem .15rem 0; }
button, select, input { font: inherit; color: inherit; background: var(--bg);
  border: 1px solid var(--line); border-radius: .4rem; padding: .25rem .7rem; }
button { cursor: pointer; font-weight: 600; } button.main { background: var(--good); color: #fff;
  border-color: transparent; } ul.plain { list-style: none; padding: 0; margin: 0; }
ul.plain li { padding: .3rem 0; border-top: 1px solid var(--line); }
ul.plain li:first-child { border: 0; }
blockquote { margin: .4rem 0; padding-left: .8rem; border-left: 3px solid var(--line); }`;

export function html(text: string, status: number = 200): Reply {
  return { status, text, type: 'text/html; charset=utf-8' };
}

/** `body` is markup already; the title is not. */
export function layout(title: string, body: string): string {
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} · local GitHub</title><style>${style}</style></head>
<body><header><a href="/">Local GitHub</a></header>
<main><h1>${name}</h1>
${body === '' ? '<p class="soft">There is nothing here.</p>' : body}
</main></body></html>
`;
}

export function notice(text: string, tone: string): string {
  return `<section><p class="${tone}">${escapeHtml(text)}</p></section>`;
}

export function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

export function pill(text: string): string {
  const good = ['success', 'merged', 'open', 'APPROVED', 'approved'];
  const bad = ['failure', 'closed', 'CHANGES_REQUESTED', 'rejected', 'error', 'cancelled'];
  const tone = good.includes(text) ? 'good' : bad.includes(text) ? 'bad' : 'wait';
  const words = text.toLowerCase().replaceAll('_', ' ');
  return `<span class="pill ${tone}">${escapeHtml(words)}</span>`;
}

export function list(items: readonly string[]): string {
  if (items.length === 0) return '<p class="soft">None.</p>';
  return `<ul class="plain">${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
}

/** A form of one button; hidden fields are escaped here. */
export function button(
  action: string,
  text: string,
  fields: Readonly<Record<string, string>>,
): string {
  const hidden = Object.entries(fields).map(
    ([name, value]) =>
      `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const target = escapeHtml(action);
  const inside = `${hidden.join('')}<button>${escapeHtml(text)}</button>`;
  return `<form method="post" action="${target}">${inside}</form>`;
}
