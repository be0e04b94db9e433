/**
 * What each key of the policy file means, by its path: `*` stands for a name of the author's, `[]`
 * for each row of a list. Editors show it, and docs/policy.md is made of it.
 */
const TEAMS = 'Slugs of teams of the organisation; a member of any of them counts.';
const ALL_OF = 'Each entry is met by a different person.';
const ANY_OF = 'One of the entries is met.';

const review = (radius: string): Readonly<Record<string, string>> => {
  const at = `environments.*.reviews.${radius}`;
  return {
    [at]: `Who must review a change of ${radius} blast radius. Left out: the next higher level that is given.`,
    [`${at}.count`]: 'How many different independent people must approve.',
    [`${at}.maxAge`]: 'How long an approval counts.',
    [`${at}.teams`]: TEAMS,
    [`${at}.allOf`]: ALL_OF,
    [`${at}.anyOf`]: ANY_OF,
  };
};

const raised = (radius: string): Readonly<Record<string, string>> => ({
  [`paths.${radius}`]: `Globs of paths whose change has at least ${radius} blast radius.`,
});

export const POLICY_KEYS: Readonly<Record<string, string>> = {
  version: 'The version of this file’s form: 1.',

  agents: 'Agents beside the built-in list; a row with a listed name adds to that row.',
  'agents[].name': 'Its name, as decisions and reports show it.',
  'agents[].ids': 'Numeric ids of its GitHub accounts: the strongest sign.',
  'agents[].apps': 'Slugs of the GitHub Apps as which it acts.',
  'agents[].branches': 'Globs of the branches that it pushes to.',
  'agents[].emails': 'E-mail addresses of its commits.',
  'agents[].operators': 'Logins of the people who run it: they cannot approve its work.',
  people: 'E-mail addresses of commits that belong to an account although GitHub does not know it.',
  'people[].id': 'The numeric id of the account.',
  'people[].emails': 'Its addresses.',
  suspended: 'Agents by name: all their work holds at once.',
  undeclared: 'What a change without any sign of an agent counts as.',
  solo: 'For an organisation of one person, who may then approve their own work; it is recorded as not independent.',
  accepted:
    'Commits that are accepted without a pull request, each range named in a reviewed change of this file. The floor may forbid it with never.',
  'accepted[].from':
    'The commit after which the range begins; left out: everything up to `through`.',
  'accepted[].through': 'The last commit of the range.',
  'accepted[].reason': 'Why; it stands in every decision that rests on it.',

  environments: 'Rules for environments, by a name of yours.',
  'environments.*.match':
    'Globs of the names of GitHub’s environments for which this rule speaks; left out: its own name.',
  'environments.*.after':
    'Environments in which the same commit must have been deployed successfully before.',
  'environments.*.scope':
    'Globs of the paths that count here, for a repository of several services: others do not raise the level.',
  'environments.*.notDeployer': 'Whoever starts the deploying run cannot be its approver.',
  'environments.*.reviews': 'Reviews that are needed, by blast radius.',
  ...review('low'),
  ...review('medium'),
  ...review('high'),
  ...review('critical'),
  'environments.*.rollback':
    'Whether going back to a commit that was released and ran here needs a new review.',
  'environments.*.backup':
    'A proven way back: from a blast radius on, migrations and destroying commands hold until the dry run has restored a backup (baseline: snapshot) that is young enough, fast enough. Left out: none is asked for.',
  'environments.*.backup.from':
    'The blast radius from which it is needed; a floor and a repository together ask from the lower one.',
  'environments.*.backup.maxAge':
    'How old the backup may be when it is judged: at the pull request and again at release.',
  'environments.*.backup.restoreWithin':
    'How long its restore may have taken, as the dry run measured it.',
  'environments.*.freeze': 'Times in which nothing is released: `from` and `to`, or `weekly`.',
  'environments.*.freeze[].name': 'What it is called to those who wait.',
  'environments.*.freeze[].from': 'Its first minute, local time.',
  'environments.*.freeze[].to': 'The minute at which it is over, local time.',
  'environments.*.freeze[].weekly': 'A freeze of every week.',
  'environments.*.freeze[].weekly.from': 'Day and time at which it begins.',
  'environments.*.freeze[].weekly.to': 'Day and time at which it is over.',
  'environments.*.freeze[].timeZone': 'The time zone of both, as IANA names it.',
  'environments.*.breakGlass':
    'Who may release in an emergency without the reviews, by a review that says `break glass: ` and why.',
  'environments.*.breakGlass.teams': `${TEAMS} None named: anyone with write access.`,
  'environments.*.breakGlass.count': 'How many people must say so.',
  'environments.*.breakGlass.lasts': 'How long it lasts.',
  'environments.*.breakGlass.reviewWithin':
    'How soon others must approve its pull requests afterwards; the report shows what is open or late, and nothing holds by it.',

  migrations: 'How migrations are found and run.',
  'migrations.folders':
    'Folders with migrations; left out: they are found. One that is named and missing holds.',
  'migrations.folders[].path': 'The folder, from the repository’s root.',
  'migrations.folders[].framework': 'The framework: docs/migrations.md lists them.',
  'migrations.postgres': 'Major version of the production server; the dry run uses the same.',
  'migrations.baseline':
    'What the dry run starts from: the history replayed, a schema file, or the snapshot that the server’s operator has set up.',
  'migrations.baseline.schema': 'An SQL file of the whole schema before the change.',
  'migrations.seed': 'SQL files that put rows in before the change.',
  'migrations.rows': 'Rows that are made up for each table that has none.',
  'migrations.statistics': 'A file of `tagout stats` with the sizes of production’s tables.',
  'migrations.timeout': 'How long the migrations of a change may run.',

  paths: 'Paths that raise the blast radius, beside the built-in classes.',
  ...raised('low'),
  ...raised('medium'),
  ...raised('high'),
  ...raised('critical'),

  limits: 'Limits for each agent; above one its work holds. Left out: none.',
  'limits.openPullRequests': 'Open pull requests.',
  'limits.evaluationsPerHour': 'Evaluations in an hour.',
  'limits.productionDeploymentsPerHour': 'Deployments in an hour.',
  'limits.productionDeploymentsPerDay': 'Deployments in a day.',
  'limits.highOrCriticalPerDay': 'Deployments of high or critical blast radius in a day.',

  audit: 'Who may read the audit pages; the organisation’s floor only.',
  'audit.readers': 'The people who may read them.',

  'TeamRule.teams': TEAMS,
  'TeamRule.allOf': ALL_OF,
  'TeamRule.anyOf': ANY_OF,
};
