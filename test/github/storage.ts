/** The storage behind artifacts: signed addresses that are open for a minute and take no token. */
import type { Reply } from './http.ts';
import type { ArtifactRecord } from './state.ts';
import type { World } from './world.ts';

const OPEN_MS = 60_000;
const FOLDER = '/_storage/artifacts/';

/** Where the bytes of an artifact can be fetched for a minute by whoever has the address. */
export function signedAddress(world: World, artifact: ArtifactRecord): string {
  const until = String(world.now() + OPEN_MS);
  const query = new URLSearchParams({ se: until, sig: signature(world, artifact.id, until) });
  return `${world.url}${FOLDER}${artifact.id}?${query.toString()}`;
}

function signature(world: World, id: number, until: string): string {
  return world.token(`artifact ${id} ${until}`);
}

/** Answers an address of the storage; null for any other. */
export function stored(world: World, url: URL, tokenGiven: boolean): Reply | null {
  if (!url.pathname.startsWith(FOLDER)) return null;
  const id = Number(url.pathname.slice(FOLDER.length));
  const until = url.searchParams.get('se') ?? '';
  const refuse = (text: string): Reply => ({ status: 403, type: 'text/html', text });
  if (tokenGiven) {
    world.violations.push('a token was sent to the storage of artifacts');
    return refuse('AuthenticationFailed');
  }
  const signed = url.searchParams.get('sig') === signature(world, id, until);
  if (!signed || Number(until) <= world.now()) return refuse('AuthenticationFailed');
  const all = [...world.repos.values()].flatMap((repo) => repo.runs.flatMap((r) => r.artifacts));
  const artifact = all.find((one) => one.id === id);
  if (artifact === undefined) return refuse('BlobNotFound');
  return { status: 200, type: 'application/zip', bytes: artifact.zip };
}
