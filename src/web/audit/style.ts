/** The report's style with what only the pages of a server have. */
import { STYLE } from '../../core/report/html.ts';

export const AUDIT_STYLE: string = `${STYLE}
h2{overflow-wrap:anywhere}
.who{margin:0 0 0 auto;gap:.25rem .75rem;align-items:center;color:var(--soft);font-size:.85rem}
.who button{height:1.9rem;padding:.1rem .6rem}
.button{display:inline-block;border:1px solid var(--line);border-radius:.375rem;
background:var(--shade);padding:.4rem .8rem;text-decoration:none}
@media print{.who{display:none}}
`;
