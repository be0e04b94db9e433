/** The style of the set-up pages: system fonts, light and dark, narrow and wide; no script. */
export const SETUP_STYLE = `:root {
  color-scheme: light dark;
  --ink: #1c2127; --soft: #57606a; --paper: #ffffff; --ground: #f4f5f7; --line: #d0d7de;
  --accent: #0a5cc2; --on-accent: #ffffff; --warn: #9a3b00; --warn-ground: #fff4ec;
  --done: #1a6b35;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ed; --soft: #a3adb8; --paper: #1b2027; --ground: #12161b; --line: #3a434e;
    --accent: #7db4ff; --on-accent: #0b1420; --warn: #ffb184; --warn-ground: #33210f;
    --done: #74d391;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main {
  max-width: 44rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem;
}
header p { margin: 0; color: var(--soft); }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.25rem 0 1rem; text-wrap: balance; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 0.5rem; }
a { color: var(--accent); text-underline-offset: 0.15em; }
section, form {
  background: var(--paper); border: 1px solid var(--line); border-radius: 0.6rem;
  padding: 1.25rem; margin: 1.25rem 0;
}
section > :first-child, form > :first-child, form > [type="hidden"] + label { margin-top: 0; }
section > :last-child, form > :last-child { margin-bottom: 0; }
.steps {
  display: flex; flex-wrap: wrap; gap: 0.35rem 1.5rem; list-style: none; padding: 0;
  margin: 0 0 1.5rem; color: var(--soft); counter-reset: step;
}
.steps li { counter-increment: step; }
.steps li::before { content: counter(step) ". "; }
.steps [aria-current] { color: var(--ink); font-weight: 600; }
.steps .done { color: var(--done); }
.steps .done::before { content: "\\2713  "; }
label { display: block; font-weight: 600; margin-top: 1.1rem; }
.hint { color: var(--soft); font-size: 0.92rem; margin: 0.15rem 0 0.4rem; }
input[type="text"], input[type="url"] {
  width: 100%; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--soft); border-radius: 0.4rem; padding: 0.55rem 0.7rem;
}
input[aria-invalid="true"] { border-color: var(--warn); border-width: 2px; }
button, .button {
  display: inline-block; font: inherit; font-weight: 600; cursor: pointer; margin-top: 1.4rem;
  color: var(--on-accent); background: var(--accent); border: 0; border-radius: 0.4rem;
  padding: 0.65rem 1.2rem; text-decoration: none;
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem {
  color: var(--warn); background: var(--warn-ground); border: 1px solid var(--warn);
  border-radius: 0.4rem; padding: 0.75rem 1rem; margin: 1.25rem 0;
}
.error { color: var(--warn); font-weight: 600; margin: 0.3rem 0 0; }
.todo { padding-left: 1.4rem; }
.todo > li { margin: 0 0 1.1rem; padding-left: 0.35rem; }
.todo > li:last-child { margin-bottom: 0; }
.todo p { margin: 0.15rem 0 0; }
dl { display: grid; grid-template-columns: minmax(9rem, auto) 1fr; gap: 0.3rem 1.25rem; margin: 0; }
dt { font-weight: 600; }
dd { margin: 0; color: var(--soft); }
dt, dd, code { overflow-wrap: anywhere; }
code {
  font: 0.9em/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  background: var(--ground); border: 1px solid var(--line); border-radius: 0.3rem;
  padding: 0.05em 0.35em;
}
@media (max-width: 32rem) {
  main { padding-top: 1.5rem; }
  button, .button { width: 100%; text-align: center; }
}
`;
