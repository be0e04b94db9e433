/**
 * Classes of paths, as DECISION.md's blast radius table names them. Built-in classes compare
 * without case, so that `dockerfile` is one too; the policy's own globs compare with case.
 */
import type { ChangedFile } from './evidence.ts';
import type { BlastRadius } from './findings.ts';
import { hasHiddenCharacters } from './hidden-characters.ts';

export type PathClassName =
  | 'policy'
  | 'codeowners'
  | 'workflow'
  | 'git-attributes'
  | 'infrastructure'
  | 'container-or-deploy'
  | 'migration'
  | 'down-part'
  | 'judged-migration'
  | 'statistics'
  | 'lockfile'
  | 'submodule'
  | 'symlink'
  | 'code'
  | 'tests'
  | 'documentation';

export interface PathClass {
  readonly name: PathClassName;
  readonly radius: BlastRadius;
  /** What the findings and the docs call it: one thing, and several of them. */
  readonly one: string;
  readonly many: string;
}

/** The classes from the most to the least dangerous; the first that matches is a path's class. */
export const pathClasses: readonly PathClass[] = [
  { name: 'policy', radius: 'critical', one: 'policy file', many: 'policy files' },
  { name: 'codeowners', radius: 'critical', one: 'CODEOWNERS file', many: 'CODEOWNERS files' },
  { name: 'workflow', radius: 'high', one: 'workflow file', many: 'workflow files' },
  { name: 'git-attributes', radius: 'high', one: 'git settings file', many: 'git settings files' },
  {
    name: 'infrastructure',
    radius: 'high',
    one: 'infrastructure-as-code file',
    many: 'infrastructure-as-code files',
  },
  {
    name: 'container-or-deploy',
    radius: 'high',
    one: 'container or deploy file',
    many: 'container or deploy files',
  },
  {
    name: 'migration',
    radius: 'high',
    one: 'migration that was not judged',
    many: 'migrations that were not judged',
  },
  {
    name: 'statistics',
    radius: 'high',
    one: 'file with production statistics',
    many: 'files with production statistics',
  },
  { name: 'lockfile', radius: 'medium', one: 'dependency file', many: 'dependency files' },
  { name: 'submodule', radius: 'medium', one: 'submodule', many: 'submodules' },
  { name: 'symlink', radius: 'medium', one: 'symbolic link', many: 'symbolic links' },
  { name: 'code', radius: 'medium', one: 'ordinary file', many: 'ordinary files' },
  {
    name: 'down-part',
    radius: 'medium',
    one: 'down part of a migration',
    many: 'down parts of migrations',
  },
  {
    name: 'judged-migration',
    radius: 'low',
    one: 'migration file that the dry run judged',
    many: 'migration files that the dry run judged',
  },
  { name: 'tests', radius: 'low', one: 'test file', many: 'test files' },
  { name: 'documentation', radius: 'low', one: 'documentation file', many: 'documentation files' },
];

const byName = new Map(pathClasses.map((one) => [one.name, one]));

const patterns: readonly (readonly [PathClassName, RegExp])[] = [
  ['policy', /^\.github\/tagout\.ya?ml$|^tagout\.ya?ml$/],
  ['codeowners', /^(?:\.github\/|docs\/)?codeowners$/],
  [
    'workflow',
    /^\.github\/(?:workflows|actions)\/|(?:^|\/)action\.ya?ml$|^\.(?:circleci|buildkite|forgejo|gitea)\/|^(?:\.gitlab-ci|\.travis|azure-pipelines|bitbucket-pipelines|appveyor|\.drone|\.woodpecker|cloudbuild)[^/]*\.ya?ml$|(?:^|\/)jenkinsfile[^/]*$/,
  ],
  ['git-attributes', /(?:^|\/)\.git(?:attributes|modules|-blame-ignore-revs)$/],
  [
    'infrastructure',
    /\.(?:tf|tfvars|tf\.json|tfvars\.json|hcl|bicep|nomad)$|\.tofu$|(?:^|\/)(?:terragrunt\.hcl|pulumi[^/]*\.ya?ml|cdk\.json|serverless\.(?:ya?ml|json|ts|js)|template\.ya?ml|samconfig\.toml|ansible\.cfg|site\.ya?ml|crossplane\.ya?ml)$|(?:^|\/)(?:terraform|pulumi|cloudformation|cdk|ansible|infra|infrastructure|iac)\//,
  ],
  [
    'container-or-deploy',
    /(?:^|\/)(?:[^/]*\.)?(?:dockerfile|containerfile)(?:\.[^/]*)?$|(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$|(?:^|\/)\.dockerignore$|(?:^|\/)(?:procfile[^/]*|fly[^/]*\.toml|render\.ya?ml|railway\.(?:json|toml)|nixpacks\.toml|netlify\.toml|vercel\.json|now\.json|heroku\.ya?ml|app\.(?:ya?ml|json)|wrangler\.(?:toml|jsonc?)|skaffold\.ya?ml|chart\.ya?ml|values[^/]*\.ya?ml|kustomization\.ya?ml|argocd[^/]*\.ya?ml|helmfile\.ya?ml|buildspec[^/]*\.ya?ml|appspec\.ya?ml|captain-definition|ecosystem\.config\.[cm]?js|nginx\.conf|supervisord\.conf)$|(?:^|\/)(?:k8s|kubernetes|manifests|helm|charts|deploy|deployment|deployments|kustomize|argocd|\.do|\.ebextensions|\.platform)\/|(?:^|\/)(?:deploy|release|entrypoint|docker-entrypoint|migrate|start|boot)[^/]*\.(?:sh|bash|ps1|cmd|bat)$|\.service$/,
  ],
  [
    'lockfile',
    /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.ya?ml|bun\.lockb?|deno\.lock|composer\.lock|gemfile\.lock|poetry\.lock|uv\.lock|pdm\.lock|pipfile\.lock|cargo\.lock|go\.sum|go\.work\.sum|mix\.lock|pubspec\.lock|packages\.lock\.json|gradle\.lockfile|flake\.lock|podfile\.lock|package\.resolved|conan\.lock|requirements[^/]*\.txt|constraints[^/]*\.txt|\.npmrc|\.yarnrc(?:\.yml)?|\.pnpmfile\.cjs|go\.mod|cargo\.toml|gemfile|pipfile|pyproject\.toml|pom\.xml|build\.gradle(?:\.kts)?|composer\.json)$/,
  ],
];

const testPath =
  /(?:^|\/)(?:tests?|__tests__|__mocks__|__snapshots__|spec|specs|e2e|testdata|fixtures)\/|[._-](?:test|tests|spec)\.[a-z0-9]+$|_test\.(?:go|py|exs?|dart)$|_spec\.rb$|(?:^|\/)test_[^/]*\.py$|tests?\.(?:cs|java|kt|swift)$/;

const docPath =
  /\.(?:md|markdown|rst|adoc|asciidoc)$|(?:^|\/)(?:licen[sc]e|notice|authors|contributors|changelog|readme|code_of_conduct|copying)(?:\.txt)?$|^docs?\/.*\.(?:txt|png|jpe?g|gif|webp)$/;

const migrationPath =
  /(?:^|\/)(?:migrations?|migrate|migrations-sql|changelogs?|flyway|liquibase|sqitch)\/.*\.(?:sql|py|rb|[cm]?[jt]s|go|php|exs?|java|kt|cs|xml|ya?ml|json|fizz|toml)$|(?:^|\/)alembic\/versions\/|(?:^|\/)drizzle\/.*\.sql$|(?:^|\/)v\d[\d._]*__[^/]*\.sql$|(?:^|\/)db\/(?:schema\.rb|structure\.sql)$/;

/** Whether a path is documentation or a test by its name alone. */
function harmlessClass(lower: string): PathClassName | null {
  if (testPath.test(lower)) return 'tests';
  return docPath.test(lower) ? 'documentation' : null;
}

function nameOf(path: string): PathClassName {
  const lower = path.toLowerCase();
  const built = patterns.find(([, pattern]) => pattern.test(lower))?.[0];
  const harmless = harmlessClass(lower);
  // A readme in `deploy/` runs nowhere; a CODEOWNERS file in `docs/` does rule.
  const byFolder = built === 'infrastructure' || built === 'container-or-deploy';
  if (built !== undefined && !(byFolder && harmless === 'documentation')) return built;
  if (harmless !== null) return harmless;
  return migrationPath.test(lower) ? 'migration' : 'code';
}

/** The class of a name. Every name has one. */
export function pathClass(name: PathClassName): PathClass {
  const found = byName.get(name);
  if (found === undefined) throw new TypeError(`no path class ${name}`);
  return found;
}

export interface PathReading {
  readonly kind: PathClass;
  /** Whether the file says what is run when something is built, deployed or started. */
  readonly isCommand: boolean;
  readonly isSql: boolean;
  /** Whether the name itself has characters that nobody sees. */
  readonly isHidden: boolean;
}

/** What a path says by itself. */
export function readPath(path: string): PathReading {
  const kind = pathClass(nameOf(path));
  const isSql = path.toLowerCase().endsWith('.sql');
  const isHidden = hasHiddenCharacters(path);
  return { kind, isCommand: runsCommands(path, kind.name), isSql, isHidden };
}

/** The class of a path by its name. */
export function classOfPath(path: string): PathClass {
  return readPath(path).kind;
}

const modeClasses: Readonly<Record<string, PathClassName>> = {
  '160000': 'submodule',
  '120000': 'symlink',
};

/** The classes that a changed file is in: by its path, by its former path and by its mode. */
export function classesOfFile(
  file: ChangedFile,
  own: PathClass = classOfPath(file.path),
): readonly PathClass[] {
  const byMode = file.mode === null ? undefined : modeClasses[file.mode];
  if (file.previousPath === null && byMode === undefined) return [own];
  const former = file.previousPath === null ? [] : [classOfPath(file.previousPath)];
  return [...new Set([own, ...former, ...(byMode === undefined ? [] : [pathClass(byMode)])])];
}

const watched =
  /(?:^|\/)(?:package\.json|makefile|gnumakefile|justfile|taskfile\.ya?ml|rakefile|tox\.ini|noxfile\.py|turbo\.json|nx\.json|project\.json|lefthook\.ya?ml|\.pre-commit-config\.ya?ml|\.husky\/[^/]+|bin\/[^/]+|scripts?\/[^/]+)$|\.(?:sh|bash|zsh|fish|ps1|psm1|bat|cmd|mk)$/;

/**
 * Whether a file says what is run when something is built, deployed or started: there a command
 * that destroys, or a migration runner, acts without a migration file.
 */
function runsCommands(path: string, name: PathClassName): boolean {
  if (['workflow', 'infrastructure', 'container-or-deploy'].includes(name)) return true;
  return name !== 'documentation' && name !== 'tests' && watched.test(path.toLowerCase());
}
