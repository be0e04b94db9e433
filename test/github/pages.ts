/** Pages that a person can click. */
import type { Reply } from './http.ts';
import type { World } from './world.ts';

export interface PageRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly raw: string;
}

export function page(_world: World, _request: PageRequest): Promise<Reply | null> {
  return Promise.resolve(null);
}
