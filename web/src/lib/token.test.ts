import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { api, call } from './api';
import { ApiProblem } from './api/problem';
import { adopt, currentToken, forget, mayHaveSession, onSession, refreshToken, signInBy } from './token';

const session = (token: string) => ({
  access_token: token,
  token_type: 'Bearer' as const,
  expires_in: 600,
  user: { id: 'u', username: 'anna', display_name: 'Anna', role: 'user' as const },
  enrol: false,
});
const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
const problem = (status: number, slug: string) =>
  json(status, { type: `/problems/${slug}`, status, detail: 'No.' });

let calls: { path: string; token: string | null; body: string }[];
let answers: ((path: string, token: string | null) => Response | Error)[];

beforeEach(() => {
  calls = [];
  answers = [];
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = new Request(
      new URL(input instanceof Request ? input.url : input, 'http://localhost'),
      input instanceof Request ? input : init,
    );
    const path = new URL(request.url).pathname.replace('/api/v1', '');
    const token = request.headers.get('Authorization');
    calls.push({ path, token, body: await request.text() });
    const answer = answers.shift()?.(path, token) ?? new Error('not expected');
    if (answer instanceof Error) throw answer;
    return answer;
  });
});
afterEach(() => {
  forget('signed-out');
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('the access token', () => {
  it('is asked for once, however many want it', async () => {
    answers.push(() => json(200, session('t1')));
    const all = await Promise.all([
      refreshToken(undefined),
      refreshToken(undefined),
      refreshToken(undefined),
    ]);
    expect(all.map((one) => one?.access_token)).toEqual(['t1', 't1', 't1']);
    expect(calls).toHaveLength(1);
  });

  it('of another tab is taken instead of asking', async () => {
    adopt(session('t2'));
    expect((await refreshToken('t1'))?.access_token).toBe('t2');
    expect(calls).toHaveLength(0);
  });

  it('is tried again when another tab was faster', async () => {
    vi.useFakeTimers();
    answers.push(
      () => problem(409, 'refresh-raced'),
      () => problem(409, 'refresh-raced'),
      () => json(200, session('t3')),
    );
    const renewed = refreshToken(undefined);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await renewed)?.access_token).toBe('t3');
  });

  it('is not renewed while a sign-in is on its way: that one ends the session before', async () => {
    adopt(session('old'));
    let answer: (made: ReturnType<typeof session>) => void = () => undefined;
    const made = new Promise<ReturnType<typeof session>>((resolve) => {
      answer = resolve;
    });
    const signedIn = signInBy(() => made);
    const renewed = refreshToken('old');
    await new Promise((resolve) => setTimeout(resolve));
    expect(calls).toHaveLength(0);
    answer(session('new'));
    expect((await signedIn).access_token).toBe('new');
    expect((await renewed)?.access_token).toBe('new');
    expect(calls).toHaveLength(0);
  });

  it('ends the session when the server says so, and only then', async () => {
    adopt(session('t1'));
    const ends: string[] = [];
    const stop = onSession((now, end) => !now && ends.push(end));
    answers.push(() => new TypeError('no network'));
    await expect(refreshToken('t1')).rejects.toMatchObject({ slug: 'network', temporary: true });
    answers.push(() => problem(503, 'unavailable'));
    await expect(refreshToken('t1')).rejects.toMatchObject({ status: 503 });
    expect(currentToken()).toBe('t1');
    answers.push(() => problem(401, 'token-reused'));
    expect(await refreshToken('t1')).toBeUndefined();
    expect(currentToken()).toBeUndefined();
    expect(ends).toEqual(['expired']);
    stop();
  });
});

describe('the memory of a session', () => {
  it('lasts from sign-in to sign-out, so that a first visit asks for nothing', () => {
    expect(mayHaveSession()).toBe(false);
    adopt(session('a'));
    expect(mayHaveSession()).toBe(true);
    forget('signed-out');
    expect(mayHaveSession()).toBe(false);
  });
});

describe('a call', () => {
  const send = () =>
    call(api.POST('/api/v1/messages', { body: { conversation_id: 'c', client_id: 'x', body: 'hello' } }));

  it('with an old token is repeated once with a new one, body and all', async () => {
    adopt(session('old'));
    answers.push(
      () => problem(401, 'unauthenticated'),
      () => json(200, session('new')),
      () => json(201, { id: 'm' }),
    );
    expect(await send()).toEqual({ id: 'm' });
    expect(calls.map(({ path, token }) => [path, token])).toEqual([
      ['/messages', 'Bearer old'],
      ['/auth/refresh', null],
      ['/messages', 'Bearer new'],
    ]);
    expect(calls[2]?.body).toBe(calls[0]?.body);
  });

  it('throws what the server wrote', async () => {
    adopt(session('t'));
    answers.push(() =>
      json(
        429,
        {
          type: '/problems/rate-limited',
          status: 429,
          detail: 'Slowly.',
          errors: [{ location: 'body.body', message: 'why' }, 7],
        },
        { 'Retry-After': '3', 'X-Request-Id': 'r1' },
      ),
    );
    const error = await send().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiProblem);
    expect(error).toMatchObject({
      slug: 'rate-limited',
      status: 429,
      detail: 'Slowly.',
      retryAfterMs: 3_000,
      requestId: 'r1',
      temporary: true,
      errors: [{ location: 'body.body', message: 'why' }],
    });
  });

  it('survives answers that are not ours: a page of a proxy, or nothing', async () => {
    adopt(session('t'));
    answers.push(
      () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }),
    );
    await expect(send()).rejects.toMatchObject({ status: 502, slug: 'unavailable', temporary: true });
    answers.push(() => new TypeError('Failed to fetch'));
    await expect(send()).rejects.toMatchObject({ status: 0, slug: 'network', temporary: true });
  });

  it('to sign in carries no token, and its 401 is an answer', async () => {
    adopt(session('t'));
    answers.push(() => problem(401, 'unauthenticated'));
    await expect(
      call(api.POST('/api/v1/auth/login', { body: { login: 'a', password: 'b' } })),
    ).rejects.toMatchObject({ status: 401 });
    expect(calls.map(({ path, token }) => [path, token])).toEqual([['/auth/login', null]]);
  });
});
