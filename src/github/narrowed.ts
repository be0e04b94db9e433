/**
 * Tokens as narrow as their use: what reads has no right to write anywhere, and what writes reaches
 * one repository with the rights of its kind of effect alone: whoever takes the token of a check run
 * can release nothing. Reading covers the installation, as the organisation's floor lies in another
 * one.
 */
import { z } from 'zod';
import type { OctokitLike, Use } from './clients.ts';
import { permissionsFor, READ_PERMISSIONS } from './permissions.ts';

type Permissions = Readonly<Record<string, 'read' | 'write'>>;

/** What GitHub is asked for, in its own words. */
interface TokenWish {
  readonly permissions: Permissions;
  readonly repository_ids?: readonly number[];
}

const reading: Permissions = Object.fromEntries(
  Object.keys(READ_PERMISSIONS).map((name) => [name, 'read'] as const),
);

/** The rights that a use needs. */
function wishOf(use: Use): TokenWish {
  if (use === 'read') return { permissions: reading };
  return { permissions: permissionsFor(use.effect), repository_ids: [use.writesTo] };
}

/** Effects that need the same rights on the same repository share a token. */
function keyOf(
  installationId: number,
  { permissions, repository_ids: ids = [] }: TokenWish,
): string {
  const rights = Object.entries(permissions).toSorted(([one], [two]) => (one < two ? -1 : 1));
  return `${installationId}:${ids.join()}:${rights.flat().join()}`;
}

/** A token with its times by our clock. */
interface Token {
  readonly token: string;
  readonly madeAtMs: number;
  readonly endsAtMs: number;
}

/** A token is new to some of GitHub's machines for so long; a 401 then says nothing yet. */
const NEW_MS = 5_000;
/** GitHub's tokens last an hour; one is not used for the last minutes of it. */
const KEPT_MS = 55 * 60_000;

const madeSchema = z.object({ token: z.string() });
const installedSchema = z.object({ permissions: z.record(z.string(), z.string()) });
const refused = z.object({ status: z.literal(422) });
const unknownToken = z.object({ status: z.literal(401) });

/** Asks for tokens as the App, and keeps each for its use as long as it lasts. */
export class Tokens {
  readonly #kept = new Map<string, Promise<Token>>();
  readonly #app: () => Promise<OctokitLike>;

  constructor(app: () => Promise<OctokitLike>) {
    this.#app = app;
  }

  /** The token of an installation for a use. Throws what GitHub answers when there is none. */
  async of(installationId: number, use: Use): Promise<Token> {
    const wish = wishOf(use);
    const key = keyOf(installationId, wish);
    for (;;) {
      // Those who ask at once share one request.
      const asked = this.#kept.get(key) ?? this.#start(key, installationId, wish);
      const token = await asked;
      if (token.endsAtMs > Date.now()) return token;
      if (this.#kept.get(key) === asked) this.#kept.delete(key);
    }
  }

  #start(key: string, installationId: number, wish: TokenWish): Promise<Token> {
    const made = this.#make(installationId, wish);
    this.#kept.set(key, made);
    made.catch(() => this.#kept.delete(key));
    return made;
  }

  /**
   * The narrow token. GitHub refuses it (422) until an owner has accepted a new permission: then it
   * is asked for without what is not granted, never with more, and what lacks it is refused singly.
   */
  async #make(installationId: number, wish: TokenWish): Promise<Token> {
    try {
      return await this.#ask(installationId, wish);
    } catch (fault) {
      if (!refused.safeParse(fault).success) throw fault;
      const granted = await this.#granted(installationId);
      const permissions = Object.fromEntries(
        Object.entries(wish.permissions).flatMap(([name, level]) => {
          const held = granted[name];
          if (held === undefined) return [];
          return [[name, held === 'read' ? ('read' as const) : level] as const];
        }),
      );
      // Without any, GitHub would give a token with all rights that there are.
      if (Object.keys(permissions).length === 0) throw fault;
      return this.#ask(installationId, { ...wish, permissions });
    }
  }

  /** What the owner has granted. */
  async #granted(installationId: number): Promise<Readonly<Record<string, string>>> {
    const { request } = await this.#app();
    const path = 'GET /app/installations/{installation_id}';
    const answer = await request(path, { installation_id: installationId });
    return installedSchema.parse(answer.data).permissions;
  }

  async #ask(installationId: number, wish: TokenWish): Promise<Token> {
    const { request } = await this.#app();
    const path = 'POST /app/installations/{installation_id}/access_tokens';
    const madeAtMs = Date.now();
    const answer = await request(path, { installation_id: installationId, ...wish });
    const { token } = madeSchema.parse(answer.data);
    this.#forgetOld(madeAtMs);
    return { token, madeAtMs, endsAtMs: madeAtMs + KEPT_MS };
  }

  /** Repositories come and go: what is over is not kept. */
  #forgetOld(nowMs: number): void {
    for (const [key, kept] of this.#kept) {
      void kept.then(
        ({ endsAtMs }) =>
          endsAtMs <= nowMs && this.#kept.get(key) === kept && this.#kept.delete(key),
        () => undefined,
      );
    }
  }
}

const headersSchema = z.record(z.string(), z.unknown()).catch({});

/** The client that sends each request with a token of that use. `plain` has no credentials itself. */
export function narrowed(plain: OctokitLike, tokenOf: () => Promise<Token>): OctokitLike {
  const request = async (route: string, parameters: Record<string, unknown> = {}) => {
    for (let tries = 1; ; tries += 1) {
      const { token, madeAtMs } = await tokenOf();
      const headers = headersSchema.parse(parameters['headers']);
      const authorization = `token ${token}`;
      try {
        return await plain.request(route, {
          ...parameters,
          headers: { ...headers, authorization },
        });
      } catch (fault) {
        const isNew = Date.now() - madeAtMs < NEW_MS;
        if (!isNew || !unknownToken.safeParse(fault).success) throw fault;
        await new Promise((resolve) => setTimeout(resolve, tries * 1_000));
      }
    }
  };
  const { endpoint } = plain.request;
  return { request: Object.assign(request, endpoint === undefined ? {} : { endpoint }) };
}
