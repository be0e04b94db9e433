/** Where GitHub's pages and its API are, for github.com, data residency and Enterprise Server. */

export interface GitHubPlace {
  /** `https://github.com`: what people open. Without a slash at its end. */
  readonly webUrl: string;
  /** `https://api.github.com`: what we call. Without a slash at its end. */
  readonly apiUrl: string;
}

export const GITHUB_COM: GitHubPlace = {
  webUrl: 'https://github.com',
  apiUrl: 'https://api.github.com',
};

/** The place that has this web address, as a person types it. */
export function placeOfWeb(webUrl: string): GitHubPlace {
  const url = new URL(webUrl);
  if (url.hostname === 'github.com' || url.hostname === 'www.github.com') return GITHUB_COM;
  if (url.hostname.endsWith('.ghe.com')) {
    const host = url.hostname.replace(/^api\./, '');
    return { webUrl: `https://${host}`, apiUrl: `https://api.${host}` };
  }
  return { webUrl: url.origin, apiUrl: `${url.origin}/api/v3` };
}

/** The place that has this API address, as GITHUB_API_URL names it. */
export function placeOfApi(apiUrl: string): GitHubPlace {
  const url = new URL(apiUrl);
  if (url.hostname === 'api.github.com') return GITHUB_COM;
  if (/^api\..+\.ghe\.com$/.test(url.hostname)) return placeOfWeb(`https://${url.hostname}`);
  return { webUrl: url.origin, apiUrl: apiUrl.replace(/\/+$/, '') };
}

/** The page on which an app is registered, for an organisation or, with null, for oneself. */
export function newAppPage(place: GitHubPlace, organisation: string | null): string {
  const owner = organisation === null ? '' : `/organizations/${encodeURIComponent(organisation)}`;
  return `${place.webUrl}${owner}/settings/apps/new`;
}
