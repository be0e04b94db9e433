/** What GitHub itself lists as deployed, so that the record's completeness can be judged. */
import { Octokit } from '@octokit/rest';
import { TagoutError } from '../core/errors.ts';
import type { PopulationRow, Wish } from '../core/report/period.ts';

/** Environments that count as production in the register by their name. */
const PRODUCTION = /^\s*(?:prod(?:uction)?|live|prod-.*)\s*$/i;
const PER_PAGE = 100;
/** GitHub hands out no more of one list; the rest would look like a gap of ours. */
const PAGES = 100;

export interface PopulationWish {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly repos: readonly string[];
  readonly wish: Wish;
}

async function ofRepo(client: Octokit, name: string, wish: Wish): Promise<PopulationRow[]> {
  const [owner = '', repo = ''] = name.split('/');
  const rows: PopulationRow[] = [];
  for (let page = 1; page <= PAGES; page += 1) {
    const { data } = await client.repos.listDeployments({ owner, repo, per_page: PER_PAGE, page });
    for (const one of data) {
      const createdAtMs = Date.parse(one.created_at);
      if (wish.fromMs !== null && createdAtMs < wish.fromMs) return rows;
      if (!PRODUCTION.test(one.environment)) continue;
      const statuses = await client.repos.listDeploymentStatuses({
        owner,
        repo,
        deployment_id: one.id,
        per_page: PER_PAGE,
      });
      // GitHub turns an older success into inactive, so the whole list counts.
      const won = statuses.data.some((status) => status.state === 'success');
      rows.push({
        repo: name,
        environment: one.environment,
        deploymentId: one.id,
        sha: one.sha,
        createdAtMs,
        state: won ? 'success' : (statuses.data[0]?.state ?? 'unknown'),
      });
    }
    if (data.length < PER_PAGE) return rows;
  }
  return rows;
}

/** GitHub's deployments, or null when there is no token to ask with. */
export async function readPopulation(
  about: PopulationWish,
): Promise<readonly PopulationRow[] | null> {
  const token = about.env['GITHUB_TOKEN']?.trim() ?? '';
  if (token === '') return null;
  const baseUrl = about.env['GITHUB_API_URL'] ?? 'https://api.github.com';
  const client = new Octokit({ auth: token, baseUrl, userAgent: 'tagout-report' });
  const named = about.wish.repo;
  const repos = named === null ? about.repos : [named];
  try {
    const rows: PopulationRow[] = [];
    for (const name of repos) rows.push(...(await ofRepo(client, name, about.wish)));
    return rows;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TagoutError(
      'github-unavailable',
      `GitHub could not be asked for its deployments: ${why}. Give GITHUB_TOKEN the right to read ` +
        'deployments, or leave it out: the report then says that it did not compare.',
      { cause: error },
    );
  }
}
