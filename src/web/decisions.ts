/** `GET /api/decisions/{owner}/{repo}/{environment}/{sha}`: what a deployer outside GitHub asks. */
import type { Hono } from 'hono';
import type { WebEnv } from './app.ts';

export interface AskedDecision {
  readonly owner: string;
  readonly repo: string;
  readonly environment: string;
  readonly sha: string;
}

/** What is answered; `pending` is no decision yet, and every caller must treat it as hold. */
export interface DecisionAnswer {
  readonly decision: 'allow' | 'hold' | 'deny' | 'pending';
  /** Codes of what holds or denies. */
  readonly codes: readonly string[];
  readonly decidedAtMs: number | null;
}

export interface DecisionParts {
  /** Whether this token may ask about this environment of this repository. */
  authorise(token: string, asked: AskedDecision): Promise<boolean>;
  /** The fresh decision; asks for one where there is none. Null: the App is not on the repository. */
  look(asked: AskedDecision): Promise<DecisionAnswer | null>;
}

const PATH = '/api/decisions/:owner/:repo/:environment/:sha';
const NAME = /^[\w.-]{1,100}$/;
const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const TOKEN = /^Bearer ([\w.~+/=-]{20,8192})$/i;
/** How soon a caller may ask again, in seconds. */
const AGAIN_SECONDS = '2';

/** Adds the route to the application. */
export function addDecisions(app: Hono<WebEnv>, parts: DecisionParts): void {
  app.get(PATH, async (context) => {
    const asked = context.req.param();
    const isWhole =
      NAME.test(asked.owner) && NAME.test(asked.repo) && asked.environment.length <= 255;
    if (!isWhole || !SHA.test(asked.sha)) {
      const error = 'The address needs owner, repository, environment and the whole commit id.';
      return context.json({ error }, 400);
    }
    const token = TOKEN.exec(context.req.header('authorization') ?? '')?.[1];
    if (token === undefined || !(await parts.authorise(token, asked))) {
      context.header('www-authenticate', 'Bearer');
      const error = 'This token does not speak for that environment of that repository.';
      return context.json({ error }, 401);
    }
    const answer = await parts.look(asked);
    if (answer === null) {
      return context.json({ error: 'Tagout is not installed on that repository.' }, 404);
    }
    if (answer.decision !== 'pending') return context.json(answer);
    context.header('retry-after', AGAIN_SECONDS);
    return context.json(answer, 202);
  });
}
