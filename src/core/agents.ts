/**
 * The registry of coding agents, AI reviewers and plain automation on GitHub, as data: one row per
 * agent. Ids come before logins, logins before text; a vendor's whole domain is never matched, as
 * its employees commit from it too. A row's figures were read from public payloads in 2026.
 */

export type RegistryKind = 'agent' | 'automation' | 'reviewer';

export interface RegistryRow {
  readonly name: string;
  readonly kind: RegistryKind;
  /** Numeric GitHub user ids, bots and users alike. */
  readonly ids: readonly number[];
  /** Logins of accounts, lower case, without `[bot]` forms (these follow from `apps`). */
  readonly logins: readonly string[];
  /** Slugs of GitHub Apps; `slug[bot]` is the app's account. */
  readonly apps: readonly string[];
  /** What the head branch starts with. */
  readonly branches: readonly string[];
  /** Exact e-mail addresses of commits. `ID+login@users.noreply.github.com` follows from `ids`. */
  readonly emails: readonly string[];
  /** Names of trailers, lower case: `Agent-Logs-Url:`. */
  readonly trailers: readonly string[];
  /** Texts in the body of a pull request or a commit message, lower case. */
  readonly marks: readonly string[];
  /** How a pull request's title or a commit's subject starts, lower case. */
  readonly titles: readonly string[];
  /** Names of authors and co-authors, lower case; a leading `*` matches any start. */
  readonly names: readonly string[];
}

type RowText = Partial<RegistryRow> & Pick<RegistryRow, 'name'>;

function row(text: RowText): RegistryRow {
  return {
    kind: 'agent',
    ids: [],
    logins: [],
    apps: [],
    branches: [],
    emails: [],
    trailers: [],
    marks: [],
    titles: [],
    names: [],
    ...text,
  };
}

const agents: readonly RowText[] = [
  {
    name: 'copilot',
    ids: [198982749],
    logins: ['copilot'],
    apps: ['copilot-swe-agent'],
    branches: ['copilot/'],
    trailers: ['agent-logs-url'],
  },
  {
    name: 'copilot-cli',
    ids: [223556219],
    emails: ['copilot@github.com'],
  },
  {
    name: 'claude',
    ids: [209825114],
    apps: ['claude'],
  },
  {
    name: 'claude-github',
    ids: [242468646],
    apps: ['anthropic-code-agent'],
  },
  {
    name: 'claude-code',
    // The account `claude` is of type User and signs commits of web sessions.
    ids: [81847],
    logins: ['claude'],
    branches: ['claude/'],
    emails: ['noreply@anthropic.com'],
    trailers: ['claude-session'],
    marks: [
      'generated with [claude code]',
      'generated with claude code',
      'claude.ai/code/session_',
    ],
  },
  {
    name: 'codex',
    ids: [199175422],
    logins: ['codex'],
    apps: ['chatgpt-codex-connector'],
    branches: ['codex/'],
    emails: ['noreply@openai.com', 'codex@openai.com'],
    titles: ['[codex]'],
    marks: ['chatgpt.com/codex/tasks/'],
  },
  {
    name: 'codex-github',
    ids: [242516109],
    apps: ['openai-code-agent'],
  },
  {
    name: 'cursor',
    ids: [206951365, 199161495],
    logins: ['cursoragent'],
    apps: ['cursor'],
    branches: ['cursor/'],
    emails: ['cursoragent@cursor.com', 'agent@cursor.com'],
    marks: [
      '<!-- cursor_summary -->',
      'cursor.com/background-agent',
      'cursor.com/agents',
      'made with cursor',
      'made with [cursor]',
    ],
  },
  {
    name: 'devin',
    ids: [158243242],
    apps: ['devin-ai-integration'],
    branches: ['devin/'],
    emails: ['noreply@cognition.ai'],
    marks: ['app.devin.ai/sessions/'],
  },
  {
    name: 'jules',
    ids: [161369871],
    apps: ['google-labs-jules'],
    marks: ['jules.google.com/task/', 'jules.google.com/session/'],
  },
  {
    name: 'kiro',
    apps: ['kiro-agent'],
    marks: ['created by @kiro-agent', 'app.kiro.dev/session/'],
    names: ['kiro agent'],
  },
  { name: 'amazon-q', ids: [208079219], apps: ['amazon-q-developer'], branches: ['q-dev-'] },
  { name: 'factory-droid', ids: [138933559], apps: ['factory-droid'] },
  {
    name: 'amp',
    emails: ['amp@ampcode.com'],
    trailers: ['amp-thread-id', 'amp-thread'],
    marks: ['ampcode.com/threads/'],
  },
  {
    name: 'openhands',
    logins: ['openhands-agent'],
    apps: ['openhands-ai'],
    branches: ['openhands/'],
    emails: ['openhands@all-hands.dev'],
    marks: ['app.all-hands.dev/conversations/'],
  },
  {
    name: 'aider',
    branches: ['aider/', 'aider-'],
    emails: ['aider@aider.chat', 'noreply@aider.chat'],
    titles: ['aider: '],
    names: ['* (aider)'],
  },
  { name: 'opencode', apps: ['opencode-agent'], emails: ['noreply@opencode.ai'] },
  {
    name: 'gemini',
    ids: [176961590],
    logins: ['gemini-cli-robot'],
    apps: ['gemini-cli', 'gemini-code-assist'],
    // gemini@google.com is in mixed use, so only the names of the tools count.
    names: ['gemini-cli', 'gemini cli', 'gemini-code-assist', 'gemini code assist'],
  },
  { name: 'junie', emails: ['junie@jetbrains.com'] },
  { name: 'replit', trailers: ['replit-commit-author', 'replit-commit-session-id'] },
  {
    name: 'lovable',
    ids: [159125892],
    apps: ['lovable-dev', 'gpt-engineer-app'],
    emails: ['noreply@lovable.dev'],
  },
  { name: 'v0', apps: ['v0'] },
  { name: 'sweep', apps: ['sweep-ai'], branches: ['sweep/'] },
  { name: 'codegen', apps: ['codegen-sh'] },
  { name: 'tembo', apps: ['tembo'] },
  { name: 'mentat', apps: ['mentatbot'] },
  { name: 'ellipsis', apps: ['ellipsis-dev'] },
  { name: 'windsurf', emails: ['windsurf@codeium.com'] },
  { name: 'open-swe', apps: ['open-swe'], marks: ['made by [open swe]'] },
  { name: 'kilo', apps: ['kilo-code-bot'] },
  // The account of Actions runs agents too: whoever acts through it is an unknown agent.
  { name: 'github-actions', ids: [41898282], apps: ['github-actions'] },
];

/** Their approvals never count; that they reviewed says nothing about who wrote a change. */
const reviewers: readonly RowText[] = [
  { name: 'copilot-review', ids: [175728472], apps: ['copilot-pull-request-reviewer'] },
  { name: 'coderabbit', ids: [136622811], apps: ['coderabbitai'] },
  { name: 'qodo', apps: ['qodo-code-review', 'qodo-merge-pro'] },
  { name: 'greptile', apps: ['greptile-apps'] },
  { name: 'cubic', apps: ['cubic-dev-ai'] },
  { name: 'korbit', apps: ['korbit-ai'] },
  { name: 'sourcery', apps: ['sourcery-ai'] },
  { name: 'codeant', apps: ['codeant-ai'] },
];

const automation: readonly RowText[] = [
  { name: 'dependabot', ids: [49699333], apps: ['dependabot', 'dependabot-preview'] },
  { name: 'renovate', ids: [29139614], apps: ['renovate'] },
  { name: 'pre-commit-ci', apps: ['pre-commit-ci'] },
  { name: 'depfu', apps: ['depfu'] },
];

/** Every row, agents first. */
export const registry: readonly RegistryRow[] = [
  ...agents.map((text) => row(text)),
  ...reviewers.map((text) => row({ ...text, kind: 'reviewer' })),
  ...automation.map((text) => row({ ...text, kind: 'automation' })),
];
