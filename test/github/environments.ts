/** Environments: their names ignore case, and a job that names a new one makes it without rules. */
import type { AppRecord, Environment, RepoRecord } from './state.ts';
import type { World } from './world.ts';

export function environmentOf(world: World, repo: RepoRecord, name: string): Environment {
  const known = repo.environments.get(name.toLowerCase());
  if (known !== undefined) return known;
  const made: Environment = {
    id: world.nextId('environment'),
    name,
    createdAtMs: world.now(),
    rules: [],
    canAdminsBypass: true,
  };
  repo.environments.set(name.toLowerCase(), made);
  return made;
}

/** Enables an app's custom protection rule, as an administrator does; at most six are allowed. */
export function protect(world: World, environment: Environment, app: AppRecord): void {
  if (environment.rules.some((rule) => rule.app === app)) return;
  if (environment.rules.length >= 6) throw new Error('an environment takes at most six rules');
  environment.rules.push({ id: world.nextId('rule'), app });
}
