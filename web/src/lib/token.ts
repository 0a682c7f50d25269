import { ApiProblem, problemOf, toProblem } from './api/problem';
import type { Session } from './api/types';
import { sleep } from './backoff';
import { openChannel, withLock } from './locks';

/*
 * The access token lives here, in memory, and nowhere else. The refresh token is an HttpOnly
 * cookie that no script can read. All tabs share the cookie, so only one may rotate it at a time.
 */

export interface Held extends Session {
  /** When this browser thinks the token ends, by its own clock (ms). */
  expiresAt: number;
}

/** Why there is no session any more: the person signed out, or the server ended it. */
export type End = 'signed-out' | 'expired';

type News = { kind: 'session'; session: Held } | { kind: 'end'; end: End };
type Listener = (session: Held | undefined, end: End) => void;

let held: Held | undefined;
let inFlight: Promise<Held | undefined> | undefined;
const listeners = new Set<Listener>();

// No script can see whether there is a refresh cookie. This remembers that there was one, so that a
// first visit does not begin with a refused request.
const HINT = 'chatapp.signed-in';

// A sign-in that ends on a page of another site leaves no hint: this one counts once, in this tab.
const AWAY = 'chatapp.away';

/** Call before the page goes elsewhere to sign in: when it is back, the server is asked. */
export function expectSession(): void {
  try {
    sessionStorage.setItem(AWAY, '1');
  } catch {
    // storage is off: the server is asked anyway
  }
}

/** Whether this browser signed in before and has not signed out since, or comes back from doing so. */
export function mayHaveSession(): boolean {
  try {
    const back = sessionStorage.getItem(AWAY) !== null;
    sessionStorage.removeItem(AWAY);
    return back || localStorage.getItem(HINT) !== null;
  } catch {
    return true; // storage is off: ask the server
  }
}

function remember(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(HINT, '1');
    else localStorage.removeItem(HINT);
  } catch {
    // storage is off
  }
}

const tell = openChannel<News>('session', (news) => {
  if (news.kind === 'end') return set(undefined, news.end);
  if (!held || news.session.expiresAt > held.expiresAt) set(news.session);
});

function set(session: Held | undefined, end: End = 'expired'): void {
  held = session;
  for (const listener of listeners) listener(session, end);
}

/** The token to send now, if there is one. */
export function currentToken(): string | undefined {
  return held?.access_token;
}

export function currentSession(): Held | undefined {
  return held;
}

/** Calls back at every change: a new token, a new person, signed out. Returns the unsubscribe. */
export function onSession(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes the answer of sign-in, sign-up or refresh and shares it with the other tabs. */
export function adopt(session: Session): Held {
  const full: Held = { ...session, expiresAt: Date.now() + session.expires_in * 1000 };
  remember(true);
  set(full);
  tell({ kind: 'session', session: full });
  return full;
}

/**
 * Signs in by `ask` and takes the session. No tab renews meanwhile: the server ends the session that this
 * browser had, and a late answer about that one must not put its cookie over the new one.
 */
export function signInBy(ask: () => Promise<Session>): Promise<Held> {
  return withLock('refresh', async () => adopt(await ask()));
}

/** Forgets the token in every tab. */
export function forget(end: End): void {
  remember(false);
  set(undefined, end);
  tell({ kind: 'end', end });
}

/**
 * A token newer than `stale`: from another tab if one was faster, else by POST /auth/refresh.
 * Undefined when the session is over (then everybody was told); throws a temporary ApiProblem
 * when the server cannot be asked.
 */
export function refreshToken(stale: string | undefined): Promise<Held | undefined> {
  inFlight ??= withLock('refresh', () => rotate(stale)).finally(() => {
    inFlight = undefined;
  });
  return inFlight;
}

async function rotate(stale: string | undefined): Promise<Held | undefined> {
  for (let attempt = 0; ; attempt++) {
    if (held && held.access_token !== stale) return held;
    const response = await post();
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return adopt(body as Session);
    const problem = problemOf(response, body);
    if (problem.slug === 'refresh-raced' && attempt < 5) {
      // Another tab has just rotated the cookie; its answer is about to reach our cookie jar.
      await sleep(150 + 200 * attempt);
      continue;
    }
    if (problem.status === 401) {
      // A tab that was never signed in must not sign out one that just was.
      if (held || stale) forget('expired');
      return undefined;
    }
    throw problem;
  }
}

async function post(): Promise<Response> {
  try {
    return await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      credentials: 'same-origin',
      signal: AbortSignal.timeout(15_000),
    });
  } catch (error) {
    throw toProblem(error instanceof ApiProblem ? error : undefined);
  }
}
