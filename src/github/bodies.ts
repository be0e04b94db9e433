/**
 * The bodies of GitHub's answers. Octokit looks at every value of a JSON body to find integers that
 * JavaScript cannot hold, which costs ten times the parsing. Ours parses natively: such an integer
 * comes out rounded beyond the safe ones, and every schema of ours refuses it there.
 */
import { z } from 'zod';

/** The parameter that makes Octokit hand out a successful answer's body unread. */
export const UNREAD = { parseSuccessResponseBody: false } as const;

const headersSchema = z.object({ 'content-type': z.string().catch('') });

interface Answered {
  readonly headers: object;
  readonly data: unknown;
}

function typeOf(answer: Answered): string {
  const { 'content-type': type } = headersSchema.parse({ 'content-type': '', ...answer.headers });
  return type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}

/** Reads a body to its end: text as text, also that of JSON; anything else as bytes. */
export async function withBody<A extends Answered>(answer: A): Promise<A> {
  if (!(answer.data instanceof ReadableStream)) return { ...answer, data: answer.data ?? '' };
  const whole = new Response(answer.data);
  const type = typeOf(answer);
  const isText = isJson(type) || type === '' || type.startsWith('text/');
  return { ...answer, data: isText ? await whole.text() : await whole.arrayBuffer() };
}

/** The answer with its JSON parsed. What only claims to be JSON stays text, for schemas to refuse. */
export function parsedBody<A extends Answered>(answer: A): A {
  const { data } = answer;
  if (typeof data !== 'string' || data === '' || !isJson(typeOf(answer))) return answer;
  try {
    return { ...answer, data: JSON.parse(data) as unknown };
  } catch {
    return answer;
  }
}
