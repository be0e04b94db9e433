/** `POST /graphql`, checked against GitHub's own schema. */
import { HttpError, type Call, type Reply } from './http.ts';

export function graphql(_call: Call): Promise<Reply> {
  throw new HttpError(501, 'not here yet');
}
