/** Finds the operation of a request among GitHub's path templates. */
import { appRoutes } from './routes/apps.ts';
import { checkRoutes } from './routes/checks.ts';
import { codeRoutes } from './routes/code.ts';
import { deployRoutes } from './routes/deploy.ts';
import { issueRoutes } from './routes/issues.ts';
import { peopleRoutes } from './routes/people.ts';
import { pullRoutes } from './routes/pulls.ts';
import type { Route } from './http.ts';

/** Parameters that hold slashes. */
const long = new Set(['ref', 'basehead', 'branch']);

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly weight: number;
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path
    .replace('/{path}', '(?:/{path})?')
    .replace(/\{(\w+)\}/g, (_, name: string) => {
      names.push(name);
      return name === 'path' ? '(.*)' : long.has(name) ? '(.+)' : '([^/]+)';
    });
  const weight = route.path.split('/').filter((part) => !part.startsWith('{')).length;
  return { route, names, pattern: new RegExp(`^${source}$`), weight };
}

export const routes: readonly Route[] = [
  ...appRoutes,
  ...codeRoutes,
  ...pullRoutes,
  ...issueRoutes,
  ...checkRoutes,
  ...deployRoutes,
  ...peopleRoutes,
];

const compiled = routes.map(compile).sort((a, b) => b.weight - a.weight);

export interface Matched {
  readonly route: Route;
  readonly params: Record<string, string>;
}

export function match(method: string, path: string): Matched | null {
  for (const { route, names, pattern } of compiled) {
    if (route.method !== method) continue;
    const hit = pattern.exec(path);
    if (hit === null) continue;
    const params: Record<string, string> = {};
    names.forEach((name, index) => {
      params[name] = decodeURIComponent(hit[index + 1] ?? '');
    });
    return { route, params };
  }
  return null;
}
