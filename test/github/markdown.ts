/**
 * GitHub's Markdown, as much as check texts need: everything is escaped first, so that nothing in a
 * text can become markup of its own. Links go to http and https alone.
 */

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Emphasis, code and links inside one line, which is escaped already. */
function inline(escaped: string): string {
  return escaped
    .split(/(`[^`]+`)/)
    .map((part) => {
      if (part.startsWith('`') && part.length > 2) return `<code>${part.slice(1, -1)}</code>`;
      return part
        .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
        .replace(/(^|\W)_([^_]+)_(?=\W|$)/g, '$1<em>$2</em>')
        .replace(/\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)/g, '<a href="$2" rel="noreferrer">$1</a>');
    })
    .join('');
}

function row(line: string, tag: 'td' | 'th'): string {
  const cells = line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/);
  return `<tr>${cells.map((cell) => `<${tag}>${inline(cell.trim())}</${tag}>`).join('')}</tr>`;
}

function table(lines: readonly string[]): string {
  const [head = '', , ...body] = lines;
  return `<table>${row(head, 'th')}${body.map((line) => row(line, 'td')).join('')}</table>`;
}

interface Block {
  readonly test: RegExp;
  readonly html: (lines: readonly string[]) => string;
}

function item(line: string): string {
  return `<li>${inline(line.replace(/^\s*(?:[-*]|\d+\.)\s+/, ''))}</li>`;
}

/** Consecutive lines of one kind make one block; the first kind that fits is taken. */
const blocks: readonly Block[] = [
  { test: /^\s*\|.*\|\s*$/, html: table },
  { test: /^\s*[-*]\s+/, html: (lines) => `<ul>${lines.map(item).join('')}</ul>` },
  { test: /^\s*\d+\.\s+/, html: (lines) => `<ol>${lines.map(item).join('')}</ol>` },
  {
    test: /^&gt; ?/,
    html: (lines) => {
      const text = lines.map((line) => inline(line.replace(/^&gt; ?/, '')));
      return `<blockquote>${text.join('<br>')}</blockquote>`;
    },
  },
];

function oneLine(line: string): string | null {
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading !== null) {
    const level = Math.min(6, (heading[1]?.length ?? 1) + 2);
    return `<h${level}>${inline(heading[2] ?? '')}</h${level}>`;
  }
  if (/^&lt;\/?(details|summary)&gt;/.test(line)) {
    // The folding element is the one piece of HTML that is let through, without attributes.
    return line.replace(/&lt;(\/?)(details|summary)&gt;/g, '<$1$2>');
  }
  return /^(?:-{3,}|\*{3,})$/.test(line) ? '<hr>' : null;
}

export function markdown(text: string): string {
  const lines = escapeHtml(text).split('\n');
  const out: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.trim() === '' || /^&lt;!--.*--&gt;$/.test(line)) continue;
    if (line.startsWith('```')) {
      const end = lines.findIndex((one, index) => index > at && one.startsWith('```'));
      const stop = end < 0 ? lines.length : end;
      out.push(`<pre>${lines.slice(at + 1, stop).join('\n')}</pre>`);
      at = stop;
      continue;
    }
    const single = oneLine(line);
    if (single !== null) {
      out.push(single);
      continue;
    }
    const block = blocks.find((one) => one.test.test(line));
    const same = (one: string): boolean =>
      block === undefined
        ? one.trim() !== '' && oneLine(one) === null && !blocks.some((b) => b.test.test(one))
        : block.test.test(one);
    let stop = at + 1;
    while (stop < lines.length && same(lines[stop] ?? '')) stop += 1;
    const taken = lines.slice(at, stop);
    out.push(block === undefined ? `<p>${taken.map(inline).join('<br>')}</p>` : block.html(taken));
    at = stop - 1;
  }
  return out.join('\n');
}
