import createClient from 'openapi-fetch';
import { currentToken, refreshToken } from '../token';
import { newTraceparent } from '../traceparent';
import { problemOf, toProblem } from './problem';
import type { paths } from './schema';

export { ApiProblem, toProblem } from './problem';
export type * from './types';

const TIMEOUT_MS = 20_000;

/** Calls that carry no access token and whose 401 is an answer, not an expired session. */
const open =
  /\/api\/v1\/auth\/(?:register|login|refresh|logout|forgot|reset|email\/confirm|sign-up|passkeys\/login\/|usernames\/|oidc$)/;

/** Calls whose answer takes as long as the network takes. */
const large = /\/api\/v1\/data-exports\/[^/]+\/file$/;

/** fetch with the access token; a 401 is answered by one refresh and one replay of the same request. */
async function authorisedFetch(request: Request): Promise<Response> {
  const send = (token: string | undefined) => {
    const headers = new Headers(request.headers);
    if (token) headers.set('Authorization', `Bearer ${token}`);
    if (request.method === 'POST') headers.set('traceparent', newTraceparent());
    // The body of a Request can be read once: each try gets a copy.
    const signal = large.test(request.url) ? request.signal : limited(request.signal);
    return fetch(new Request(request.clone(), { headers, signal }));
  };
  if (open.test(request.url)) return send(undefined);

  const token = currentToken() ?? (await refreshToken(undefined))?.access_token;
  const response = await send(token);
  if (response.status !== 401) return response;
  const renewed = await refreshToken(token);
  return renewed ? send(renewed.access_token) : response;
}

function limited(signal: AbortSignal): AbortSignal {
  // Firefox before 124 has no AbortSignal.any: then the browser's own timeout has to do.
  return 'any' in AbortSignal ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) : signal;
}

/** The typed client of our own API: paths, parameters, bodies and answers are checked by the compiler. */
export const api = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? 'http://localhost' : location.origin,
  fetch: authorisedFetch,
});

interface Result<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of a 2xx answer; throws an ApiProblem for everything else, also when there is no connection. */
export async function call<T>(request: Promise<Result<T>>): Promise<T> {
  let result: Result<T>;
  try {
    result = await request;
  } catch (error) {
    throw toProblem(error);
  }
  if (!result.response.ok) throw problemOf(result.response, result.error);
  return result.data as T;
}
