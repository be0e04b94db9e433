/** Whether the default branch can take a change past the check, and who else could report it. */
import { ghApi, quoted } from './posture.ts';
import type { Mend, OwnApp, PostureFinding, RepositoryPosture, RequiredCheck } from './posture.ts';
import { line, list } from './words/text.ts';

/** A ruleset that requires the check of our app on the default branch. */
function requireIt(repo: RepositoryPosture, app: OwnApp, name: string): Mend {
  const ruleset = {
    name,
    target: 'branch',
    enforcement: 'active',
    conditions: { ref_name: { include: ['~DEFAULT_BRANCH'], exclude: [] } },
    rules: [
      {
        type: 'required_status_checks',
        parameters: {
          strict_required_status_checks_policy: false,
          required_status_checks: [{ context: name, integration_id: app.appId }],
        },
      },
    ],
  };
  const command =
    `printf %s ${quoted(JSON.stringify(ruleset))} | ` +
    `${ghApi(repo)} -X POST ${quoted(`repos/${repo.fullName}/rulesets`)} --input -`;
  return { place: `${repo.webUrl}/settings/rules`, command };
}

function pageOf(repo: RepositoryPosture, check: RequiredCheck): string {
  if (check.by === 'protection') return `${repo.webUrl}/settings/branches`;
  if (check.rulesetId === null) return `${repo.webUrl}/settings/rules`;
  return `${repo.webUrl}/rules/${check.rulesetId}`;
}

const WITHHELD =
  'GitHub tells it only to who may edit the ruleset, and the app may not. An administrator looks ' +
  'there, or runs the doctor with their own token in GH_TOKEN, which only reads with it.';

/** Who may go past the rulesets that require our check. */
function bypasses(
  repo: RepositoryPosture,
  pinned: readonly RequiredCheck[],
): readonly PostureFinding[] {
  const about = `${repo.fullName} default branch`;
  const ids = new Set(pinned.flatMap(({ rulesetId }) => rulesetId ?? []));
  const rulesets = repo.rulesets.seen ? repo.rulesets.value : [];
  const told = rulesets.filter(({ id, bypass }) => ids.has(id) && bypass !== null);
  const found: PostureFinding[] = [];
  if (told.length < ids.size) {
    const why = repo.rulesets.seen ? WITHHELD : repo.rulesets.why;
    const says = `Who may merge past the check could not be read: ${why}`;
    const known = new Set(told.map(({ id }) => id));
    const [id] = [...ids].filter((one) => !known.has(one));
    const path = quoted(`repos/${repo.fullName}/rulesets/${id}`);
    const command = `${ghApi(repo)} ${path} --jq .bypass_actors`;
    const mend = { place: `${repo.webUrl}/rules/${id}`, command };
    found.push({ id: 'check-bypass-unseen', level: 'unknown', about, says, mend });
  }
  if (pinned.every(({ by, rulesetId }) => by === 'ruleset' && rulesetId === null)) {
    const says =
      'GitHub did not say which ruleset requires the check, so that nobody can tell who may merge ' +
      'past it: look at the rulesets.';
    const mend = { place: `${repo.webUrl}/settings/rules`, command: null };
    found.push({ id: 'check-bypass-unseen', level: 'unknown', about, says, mend });
  }
  for (const { id, name, bypass } of told) {
    if (bypass === null || bypass.length === 0) continue;
    const who = list(bypass.map((one) => `${line(one.who, 60)} (${line(one.mode, 20)})`));
    const says =
      `The ruleset ${line(name, 60)} lets ${who} merge past the check. Production holds such a ` +
      'change all the same, as its review is looked for at the gate; the branch does not.';
    const exempt = bypass.some(({ mode }) => mode.toLowerCase() === 'exempt');
    const mend = { place: `${repo.webUrl}/rules/${id}`, command: null };
    const level = exempt ? 'open' : 'advice';
    found.push({ id: 'check-bypass', level, about, says, mend, which: who });
  }
  if (pinned.every(({ adminsExempt }) => adminsExempt)) {
    const says =
      'The branch protection that requires the check does not hold for administrators: tick "Do ' +
      'not allow bypassing the above settings".';
    const mend = { place: `${repo.webUrl}/settings/branches`, command: null };
    found.push({ id: 'check-admins', level: 'advice', about, says, mend });
  }
  return found;
}

/** Findings about the check that the default branch requires. */
export function judgeChecks(
  repo: RepositoryPosture,
  app: OwnApp,
  name: string,
): readonly PostureFinding[] {
  const about = `${repo.fullName} default branch`;
  const mend = requireIt(repo, app, name);
  if (!repo.checks.seen) {
    const says = `The rules of the default branch could not be read: ${repo.checks.why}`;
    const seen = { place: mend.place, command: null };
    return [{ id: 'checks-unseen', level: 'unknown', about, says, mend: seen }];
  }
  const ours = repo.checks.value.filter(({ context }) => context === name);
  const pinned = ours.filter(({ appId }) => appId === app.appId);
  const [other] = ours;
  if (pinned.length > 0) {
    const says = `The check ${name} is required, and only ${app.slug} can report it.`;
    const standing = { id: 'check', level: 'guarded', about, says, mend: null } as const;
    return [standing, ...bypasses(repo, pinned)];
  }
  if (other === undefined) {
    const says = `The check ${name} is not required: a change can be merged without being judged.`;
    return [{ id: 'check-not-required', level: 'open', about, says, mend }];
  }
  const by = other.appId === null ? 'whoever can write' : `the app with id ${other.appId}`;
  const says =
    `The check ${name} is required, but may be reported by ${by}: choose ${app.slug} as its ` +
    'source.';
  const place = pageOf(repo, other);
  return [{ id: 'check-not-pinned', level: 'open', about, says, mend: { place, command: null } }];
}
