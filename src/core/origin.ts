/**
 * Who made a change and who set an agent to work on it. Signals only ever raise strictness: none
 * exempts a change, and finding none is `undeclared`, which the policy's default treats as an agent.
 */
import { agentIndex, agentsOfBranch, knownAccount } from './agent-index.ts';
import type { RegistryRow } from './agents.ts';
import { hasSamePeople, peopleOfCommit } from './commit-people.ts';
import {
  coAuthorsIn,
  emphasis,
  noReplyAccount,
  plainText,
  requestersIn,
  withoutEmphasis,
} from './commit-text.ts';
import type { Origin, OriginSignal } from './decision.ts';
import type { Account, Change, Commit, CommitPerson, Involvement } from './evidence.ts';
import { remembered } from './memo.ts';
import type { Policy } from './policy.ts';

/**
 * The agent's name when an account is a known agent, AI reviewer, automation or any app, whatever
 * its `type` says; null for everybody else. Ids are compared before logins.
 */
export function isAgentAccount(
  account: Pick<Account, 'id' | 'login' | 'type'>,
  policy: Policy,
): string | null {
  return knownAccount(account, policy)?.name ?? null;
}

type Seen = Omit<OriginSignal, 'agent'>;

function signal(agent: string, seen: Seen): OriginSignal {
  return { agent, ...seen, value: seen.value.slice(0, 200) };
}

/** An account as a sign of an agent; AI reviewers and automation do not make a change an agent's. */
function accountSignals(account: Account | null, seen: Seen, policy: Policy): OriginSignal[] {
  if (account === null) return [];
  const known = knownAccount(account, policy);
  if (known !== null) return known.kind === 'automation' ? [] : [signal(known.name, seen)];
  return account.type === 'Bot' ? [signal(account.login.toLowerCase(), seen)] : [];
}

function describe(account: Account | null): string {
  return account === null ? '' : `${account.login} (${account.id})`;
}

function fromAccounts(change: Change, policy: Policy): OriginSignal[] {
  const { author, viaApp, pushes } = change;
  const opened = { signal: 'author', value: describe(author), source: 'pull_request.user' };
  const signals = accountSignals(author, { ...opened, forgeable: false }, policy);
  if (viaApp !== null) {
    const slug = viaApp.toLowerCase();
    const known = agentIndex(policy).byApp.get(slug);
    const source = 'issue.performed_via_github_app';
    const seen = { signal: 'opened-through-app', value: viaApp, source, forgeable: false };
    if (known?.kind !== 'automation') signals.push(signal(known?.name ?? slug, seen));
  }
  for (const { actor } of pushes) {
    const seen = { signal: 'pusher', value: describe(actor), source: 'activity.actor' };
    signals.push(...accountSignals(actor, { ...seen, forgeable: false }, policy));
  }
  return signals;
}

function nameMatches(row: RegistryRow, name: string): boolean {
  const lower = name.toLowerCase();
  return row.names.some((wanted) =>
    wanted.startsWith('*') ? lower.endsWith(wanted.slice(1)) : lower === wanted,
  );
}

/** Signs in a name and an e-mail address, both free text of whoever wrote the commit. */
function personSignals(
  person: Omit<CommitPerson, 'account'>,
  seen: Seen,
  policy: Policy,
): OriginSignal[] {
  const index = agentIndex(policy);
  const email = plainText(person.email).trim().toLowerCase();
  const known = index.byEmail.get(email);
  const signals = known === undefined ? [] : [signal(known.name, { ...seen, value: email })];
  const noReply = noReplyAccount(email);
  if (noReply !== null) {
    const account = { id: noReply.id ?? -1, login: noReply.login };
    const found = knownAccount(account, policy);
    if (found !== null && found.kind !== 'automation') {
      signals.push(signal(found.name, { ...seen, value: email }));
    }
  }
  const name = plainText(person.name).trim();
  for (const row of index.rows) {
    if (row.names.length > 0 && nameMatches(row, name)) {
      signals.push(signal(row.name, { ...seen, value: name }));
    }
  }
  return signals;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function rowPattern(row: RegistryRow): RegExp | null {
  const parts = row.trailers.map((key) => `\\b${escaped(key)}[ \\t]*:`);
  parts.push(...row.marks.map(escaped));
  return parts.length === 0 ? null : new RegExp(parts.join('|'), 'i');
}

interface Patterned {
  readonly row: RegistryRow;
  readonly pattern: RegExp | null;
}

interface TextPatterns {
  readonly rows: readonly Patterned[];
  /** A text made plain; null when no row's pattern or title, co-author or requester is in it. */
  readonly telling: (text: string) => { readonly plain: string | null };
}

const patterns = new WeakMap<readonly RegistryRow[], TextPatterns>();

function patternsOf(rows: readonly RegistryRow[]): TextPatterns {
  const known = patterns.get(rows);
  if (known !== undefined) return known;
  const own = rows.map((row) => ({ row, pattern: rowPattern(row) }));
  const sources = own.flatMap(({ pattern }) => (pattern === null ? [] : [pattern.source]));
  const titles = rows.flatMap((row) => row.titles.map((start) => `^\\s*${escaped(start)}`));
  const any = new RegExp([...sources, ...titles, 'authored', 'requested', 'behalf'].join('|'), 'i');
  // The same commits come again with every event of a pull request.
  const telling = remembered(500_000, (text) => ({ plain: tellingText(text, any) }));
  const made = { rows: own, telling };
  patterns.set(rows, made);
  return made;
}

function tellingText(text: string, any: RegExp): string | null {
  const plain = plainText(text);
  if (any.test(plain)) return plain;
  // Who asked for the work may be written with emphasis inside the words.
  return emphasis.test(plain) && any.test(withoutEmphasis(plain)) ? plain : null;
}

function textSignals(plain: string, seen: Omit<Seen, 'value'>, policy: Policy): OriginSignal[] {
  return patternsOf(agentIndex(policy).rows).rows.flatMap(({ row, pattern }) => {
    const found = pattern?.exec(plain)?.[0];
    return found === undefined ? [] : [signal(row.name, { ...seen, value: found })];
  });
}

function titleSignals(text: string, seen: Omit<Seen, 'value'>, policy: Policy): OriginSignal[] {
  const plain = text.trimStart().toLowerCase();
  return agentIndex(policy).rows.flatMap((row) => {
    const found = row.titles.find((start) => plain.startsWith(start));
    return found === undefined ? [] : [signal(row.name, { ...seen, value: found })];
  });
}

/** What one commit says that no commit before it said. */
interface CommitReading {
  readonly commit: Commit;
  readonly signals: readonly OriginSignal[];
  /** Whether the commit has any sign of an agent, a repeated one included. */
  readonly byAgent: boolean;
  readonly peopleAreAgents: boolean;
  /** The message, when somebody may be named in it. */
  readonly message: string | null;
  /** Whether the commit before it has the very same people. */
  readonly samePeople: boolean;
}

function fromPerson(person: CommitPerson, source: string, policy: Policy): OriginSignal[] {
  const seen = { value: '', source, forgeable: true };
  const account = { ...seen, signal: 'commit-account', value: describe(person.account) };
  return [
    ...accountSignals(person.account, account, policy),
    ...personSignals(person, { ...seen, signal: 'commit-email' }, policy),
  ];
}

function fromMessage(message: string, source: string, policy: Policy): OriginSignal[] {
  const seen = { signal: 'co-author', value: '', source, forgeable: true };
  const text = { signal: 'commit-text', source, forgeable: true };
  return [
    ...coAuthorsIn(message).flatMap((person) => personSignals(person, seen, policy)),
    ...textSignals(message, text, policy),
    ...titleSignals(message, { ...text, signal: 'commit-subject' }, policy),
  ];
}

function personKey({ account, name, email }: CommitPerson): string {
  return `${account?.id}\n${account?.login}\n${account?.type}\n${name}\n${email}`;
}

/** Reads every commit once. 250 commits are mostly by the same few people. */
function readCommits(commits: readonly Commit[], policy: Policy): readonly CommitReading[] {
  const { telling } = patternsOf(agentIndex(policy).rows);
  const signed = new Map<string, boolean>();
  let last: CommitReading | null = null;
  return commits.map((commit) => {
    const samePeople: boolean = last !== null && hasSamePeople(last.commit, commit);
    const source = `commit ${commit.sha.slice(0, 12)}`;
    const signals: OriginSignal[] = [];
    let byAgent = samePeople && last?.peopleAreAgents === true;
    for (const person of samePeople ? [] : peopleOfCommit(commit)) {
      const key = personKey(person);
      const known = signed.get(key);
      const found = known === undefined ? fromPerson(person, source, policy) : [];
      if (known === undefined) signed.set(key, found.length > 0);
      signals.push(...found);
      byAgent ||= known ?? found.length > 0;
    }
    const peopleAreAgents = byAgent;
    const message = telling(commit.message).plain;
    if (message !== null) signals.push(...fromMessage(message, source, policy));
    byAgent ||= signals.length > 0;
    last = { commit, signals, byAgent, peopleAreAgents, message, samePeople };
    return last;
  });
}

interface Reading {
  readonly agents: Policy['agents'];
  readonly commits: readonly CommitReading[];
}

const readings = new WeakMap<Change, Reading>();

/** The readings of a change, made once: its origin and its operators both ask for them. */
function readingsOf(change: Change, policy: Policy): readonly CommitReading[] {
  const known = readings.get(change);
  if (known?.agents === policy.agents) return known.commits;
  const commits = readCommits(change.commits, policy);
  readings.set(change, { agents: policy.agents, commits });
  return commits;
}

function fromText(change: Change, policy: Policy): OriginSignal[] {
  const branch = { signal: 'branch', value: change.headRef, forgeable: true };
  const body = { signal: 'body', source: 'pull_request.body', forgeable: true };
  const title = { signal: 'title', source: 'pull_request.title', forgeable: true };
  const coAuthor = { ...body, signal: 'co-author', value: '' };
  return [
    ...agentsOfBranch(change.headRef, policy).map((name) =>
      signal(name, { ...branch, source: 'pull_request.head.ref' }),
    ),
    ...textSignals(plainText(change.body), body, policy),
    ...titleSignals(plainText(change.title), title, policy),
    ...coAuthorsIn(plainText(change.body)).flatMap((one) => personSignals(one, coAuthor, policy)),
  ];
}

/** Each sign once, those that nobody can forge first; which commit it was in does not repeat it. */
function distinct(signals: readonly OriginSignal[]): readonly OriginSignal[] {
  const seen = new Map<string, OriginSignal>();
  for (const one of signals) {
    const key = `${one.agent}\n${one.signal}\n${one.value}`;
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()].toSorted(
    (one, other) => Number(one.forgeable) - Number(other.forgeable),
  );
}

/** Who made the change, with every sign and where it was read. */
export function originOf(change: Change, policy: Policy): Origin {
  const signals = distinct([
    ...fromAccounts(change, policy),
    ...readingsOf(change, policy).flatMap(({ signals: own }) => own),
    ...fromText(change, policy),
  ]);
  const agents = [...new Set(signals.map(({ agent }) => agent))];
  if (agents.length > 0) return { kind: 'agent', agents, signals };
  const known = change.author === null ? null : knownAccount(change.author, policy);
  if (known?.kind === 'automation') return { kind: 'automation', agents: [known.name], signals };
  const human = policy.undeclared === 'human' && change.author?.type === 'User';
  return { kind: human ? 'human' : 'undeclared', agents, signals };
}

function involvement(
  account: { readonly id: number | null; readonly login: string },
  signalName: Involvement['signal'],
  source: string,
): Involvement {
  const { id, login } = account;
  return { id, login, signal: signalName, source, forgeable: !source.startsWith('policy') };
}

/** The people whom an agent's commit names beside the agent: who started it signs as co-author. */
function partnersOf(reading: CommitReading, policy: Policy): readonly Involvement[] {
  const { commit, message } = reading;
  if (!reading.byAgent || (reading.samePeople && message === null)) return [];
  const source = `commit ${commit.sha.slice(0, 12)} co-author`;
  const linked = commit.authors.flatMap(({ account }) => (account === null ? [] : [account]));
  const emails = [
    ...coAuthorsIn(message ?? '').map(({ email }) => email),
    ...commit.authors.map(({ email }) => email.toLowerCase()),
  ];
  const named = emails.flatMap((email) => {
    const known = policy.people.find((row) =>
      row.emails.some((one) => one.toLowerCase() === email),
    );
    if (known !== undefined) return [{ id: known.id, login: email }];
    const account = noReplyAccount(email);
    return account === null ? [] : [account];
  });
  return [...linked, ...named]
    .filter(({ id, login }) => knownAccount({ id: id ?? -1, login }, policy) === null)
    .map((account) => involvement(account, 'requested-by', source));
}

function fromRegister(origin: Origin, policy: Policy): readonly Involvement[] {
  return policy.agents
    .filter((row) => origin.agents.includes(row.name))
    .flatMap((row) =>
      row.operators.map((login) =>
        involvement({ id: null, login }, 'requested-by', `policy agents.${row.name}.operators`),
      ),
    );
}

function throughApp(change: Change): readonly Involvement[] {
  const { author, viaApp } = change;
  if (author === null || author.type !== 'User' || viaApp === null) return [];
  const source = 'issue.performed_via_github_app';
  return [{ ...involvement(author, 'opened-through-app', source), forgeable: false }];
}

/**
 * Everyone who set an agent to work on the change, as far as GitHub, the texts and the policy say:
 * none of them can approve it. A name that somebody forged in only excludes one more person.
 */
export function operatorsOf(change: Change, policy: Policy): readonly Involvement[] {
  const commits = readingsOf(change, policy);
  const texts = [plainText(change.body), ...commits.map(({ message }) => message)];
  const asked = texts.flatMap((text, at) =>
    (text === null ? [] : requestersIn(text)).map((login) =>
      involvement({ id: null, login }, 'requested-by', at === 0 ? 'pull_request.body' : 'commit'),
    ),
  );
  const all = [
    ...change.involved,
    ...throughApp(change),
    ...fromRegister(originOf(change, policy), policy),
    ...commits.flatMap((reading) => partnersOf(reading, policy)),
    ...asked,
  ];
  const seen = new Map(
    all.map((one) => [`${one.id}:${one.login.toLowerCase()}:${one.signal}`, one]),
  );
  return [...seen.values()];
}
