/** Which GitHub a record speaks of, as far as this machine knows. */
import { GITHUB_COM, placeOfApi } from '../github/places.ts';
import { withStoredCredentials } from './credentials.ts';
import type { Io } from './io.ts';

/**
 * Where people open its pages; null: nothing here says which GitHub it is, and a link to another one
 * would lead an auditor astray. What asks GitHub without GITHUB_API_URL asks github.com.
 */
export function webUrlOf({ env, cwd }: Pick<Io, 'env' | 'cwd'>): string | null {
  const known = withStoredCredentials(env, cwd);
  const apiUrl = known['GITHUB_API_URL']?.trim() ?? '';
  if (apiUrl !== '') return URL.canParse(apiUrl) ? placeOfApi(apiUrl).webUrl : null;
  const asks = ['APP_ID', 'GITHUB_TOKEN'].some((name) => (known[name]?.trim() ?? '') !== '');
  return asks ? GITHUB_COM.webUrl : null;
}
