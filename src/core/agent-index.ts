/** The registry together with the policy's own rows, made ready for looking accounts up. */
import { type RegistryKind, type RegistryRow, registry } from './agents.ts';
import type { Account } from './evidence.ts';
import { matchesPath } from './glob.ts';
import type { AgentRow, Policy } from './policy.ts';

export interface KnownAccount {
  readonly name: string;
  readonly kind: RegistryKind;
}

export interface AgentIndex {
  readonly rows: readonly RegistryRow[];
  readonly byId: ReadonlyMap<number, KnownAccount>;
  readonly byLogin: ReadonlyMap<string, KnownAccount>;
  readonly byApp: ReadonlyMap<string, KnownAccount>;
  readonly byEmail: ReadonlyMap<string, KnownAccount>;
  /** The policy's branch globs; the registry has prefixes only. */
  readonly branchGlobs: readonly { readonly name: string; readonly glob: string }[];
}

/** A row of the policy as a registry row; of the registry's name it adds to that row. */
function policyRow(row: AgentRow): RegistryRow {
  return {
    name: row.name,
    kind: registry.find((known) => known.name === row.name)?.kind ?? 'agent',
    ids: row.ids,
    logins: [],
    apps: row.apps.map((app) => app.toLowerCase()),
    branches: [],
    emails: row.emails.map((email) => email.toLowerCase()),
    trailers: [],
    marks: [],
    titles: [],
    names: [],
  };
}

function build(agents: readonly AgentRow[]): AgentIndex {
  const rows = [...registry, ...agents.map(policyRow)];
  const byId = new Map<number, KnownAccount>();
  const byLogin = new Map<string, KnownAccount>();
  const byApp = new Map<string, KnownAccount>();
  const byEmail = new Map<string, KnownAccount>();
  for (const { name, kind, ...row } of rows) {
    const known = { name, kind };
    for (const id of row.ids) if (!byId.has(id)) byId.set(id, known);
    for (const login of row.logins) if (!byLogin.has(login)) byLogin.set(login, known);
    for (const app of row.apps) {
      if (!byApp.has(app)) byApp.set(app, known);
      if (!byLogin.has(`${app}[bot]`)) byLogin.set(`${app}[bot]`, known);
    }
    for (const email of row.emails) if (!byEmail.has(email)) byEmail.set(email, known);
  }
  const branchGlobs = agents.flatMap(({ name, branches }) =>
    branches.map((glob) => ({ name, glob })),
  );
  return { rows, byId, byLogin, byApp, byEmail, branchGlobs };
}

const built = new WeakMap<readonly AgentRow[], AgentIndex>();

/** The index of a policy; built once per policy value, as values never change. */
export function agentIndex(policy: Policy): AgentIndex {
  const known = built.get(policy.agents);
  if (known !== undefined) return known;
  const index = build(policy.agents);
  built.set(policy.agents, index);
  return index;
}

/**
 * Which agent, AI reviewer or automation an account is: by id, else by login. GitHub's `type` is
 * not asked, as it differs by endpoint and some agents have accounts of type User; a login that
 * ends in `[bot]` can only be an app's, so an unknown one is an agent of its own name.
 */
export function knownAccount(
  account: Pick<Account, 'id' | 'login'>,
  policy: Policy,
): KnownAccount | null {
  const { byId, byLogin } = agentIndex(policy);
  const login = account.login.toLowerCase();
  const found = byId.get(account.id) ?? byLogin.get(login);
  if (found !== undefined) return found;
  return login.endsWith('[bot]') ? { name: login.slice(0, -5), kind: 'agent' } : null;
}

/** Names of the agents whose branches a head ref is one of. */
export function agentsOfBranch(headRef: string, policy: Policy): readonly string[] {
  const index = agentIndex(policy);
  const lower = headRef.toLowerCase();
  const prefixed = index.rows.filter((row) =>
    row.branches.some((start) => lower.startsWith(start)),
  );
  const globbed = index.branchGlobs.filter(({ glob }) => matchesPath(glob, headRef));
  return [...new Set([...prefixed, ...globbed].map(({ name }) => name))];
}
