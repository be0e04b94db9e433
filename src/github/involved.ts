/** Signs of who set an agent to work on a pull request; whoever did cannot approve its work (R07). */
import { agentIndex } from '../core/agent-index.ts';
import type { Account, Involvement } from '../core/evidence.ts';
import { isAgentAccount } from '../core/origin.ts';
import type { Policy } from '../core/policy.ts';
import type { PullFacts } from './pull-shapes.ts';

/** Tells agents from people. */
export interface KnownAgents {
  isAgent(account: Account): boolean;
  /** Handles that call an agent in a comment, without the `@`, in lower case. */
  readonly handles: ReadonlySet<string>;
}

/** The agents of the registry and of the policy. Their handles are their logins, apps and names. */
export function knownAgents(policy: Policy): KnownAgents {
  const callable = agentIndex(policy).rows.filter((row) => row.kind !== 'automation');
  const handles = callable.flatMap((row) => [row.name, ...row.logins, ...row.apps]);
  return {
    isAgent: (account) => isAgentAccount(account, policy) !== null,
    handles: new Set(handles.map((handle) => handle.toLowerCase())),
  };
}

const MENTION = /(?<![\w/@.-])@([a-z\d](?:[a-z\d-]{0,38}))(?:\[bot\])?/gi;
const REQUESTED_BY = /\b(?:requested by|on behalf of)\s*:?\s*\**\s*@([a-z\d](?:[a-z\d-]{0,38}))/gi;

/** Everybody who set an agent to work, as far as GitHub tells; the same sign once. */
export function involvedIn(
  facts: PullFacts,
  viaApp: string | null,
  agents: KnownAgents,
): readonly Involvement[] {
  const found = [
    ...assigners(facts, agents),
    ...callers(facts, agents),
    ...requesters(facts.pull.body),
    ...openedThrough(facts.pull.author, viaApp),
  ];
  const distinct = new Map(found.map((one) => [`${one.signal}:${one.id}:${one.login}`, one]));
  return [...distinct.values()];
}

function assigners(facts: PullFacts, agents: KnownAgents): Involvement[] {
  return facts.timeline.flatMap(({ __typename, actor, assignee }): Involvement[] => {
    if (__typename !== 'AssignedEvent' || actor === null || assignee === null) return [];
    if (assignee.type !== 'Bot' && !agents.isAgent(assignee)) return [];
    return [involvement(actor, 'assigned-agent', 'timeline assigned', false)];
  });
}

function callers(facts: PullFacts, agents: KnownAgents): Involvement[] {
  return facts.said.flatMap(({ author, body, source }): Involvement[] => {
    if (author === null || agents.isAgent(author)) return [];
    const calls = [...plain(body).matchAll(MENTION)].some(([, handle]) =>
      agents.handles.has((handle ?? '').toLowerCase()),
    );
    return calls ? [involvement(author, 'agent-comment', source, false)] : [];
  });
}

function requesters(body: string): Involvement[] {
  return [...plain(body).matchAll(REQUESTED_BY)].map(([, login]) => ({
    id: null,
    login: login ?? '',
    signal: 'requested-by',
    source: 'pull request body',
    forgeable: true,
  }));
}

function openedThrough(author: Account | null, viaApp: string | null): Involvement[] {
  if (author === null || viaApp === null) return [];
  return [involvement(author, 'opened-through-app', `performed_via_github_app ${viaApp}`, false)];
}

function involvement(
  account: Account,
  signal: Involvement['signal'],
  source: string,
  forgeable: boolean,
): Involvement {
  return { id: account.id, login: account.login, signal, source, forgeable };
}

/** Text with look-alike and invisible characters undone, so that they hide no mention. */
function plain(text: string): string {
  return text.normalize('NFKC').replace(/\p{Cf}/gu, '');
}
