import { create } from 'zustand';
import type { Confirmation } from './account';
import { api, call, type SessionUser } from './api';
import { toProblem } from './api/problem';
import { backoffDelay, sleep } from './backoff';
import {
  currentSession,
  type End,
  forget,
  type Held,
  mayHaveSession,
  onSession,
  refreshToken,
  signInBy,
} from './token';

/*
 * Who is signed in. `loading` only until the first answer of the server; afterwards a session
 * that cannot be renewed becomes `anonymous` in every tab, at the same URL. `enrolling` is signed
 * in where a second step is demanded and there is none: all that works is to set it up.
 */

export type SessionState =
  | { status: 'loading'; user: undefined }
  | { status: 'anonymous'; user: undefined }
  | { status: 'enrolling'; user: SessionUser }
  | { status: 'signed-in'; user: SessionUser };

const store = create<SessionState>(() => ({ status: 'loading', user: undefined }));

/** The session, for components. */
export function useSession(): SessionState {
  return store();
}

/** The session now, for code outside components. */
export function sessionNow(): SessionState {
  return store.getState();
}

interface Wiring {
  /** A person is signed in: start what belongs to them. */
  enter: (user: SessionUser) => void;
  /** Nobody is signed in any more. `signed-out` must leave nothing of them on this device. */
  leave: (user: SessionUser, end: End) => void;
}

/** Renew this long before the end, or at 80 % of the life of short tokens. */
const EARLY_MS = 60_000;

/** Follows the token of this and the other tabs. Call once, at start; the first call asks the server. */
export function startSession(wiring: Wiring): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  onSession((session, end) => {
    clearTimeout(timer);
    const before = store.getState();
    if (!session) {
      if (before.user) wiring.leave(before.user, end);
      store.setState({ status: 'anonymous', user: undefined });
      return;
    }
    timer = setTimeout(renew, renewIn(session.expires_in, session.expiresAt));
    // Another tab signed in as somebody else: nothing of the first person may stay in memory.
    if (before.user && before.user.id !== session.user.id) return location.reload();
    enter(session, before, wiring);
  });
  // A laptop that slept has missed its timer.
  document.addEventListener('visibilitychange', () => {
    const session = currentSession();
    if (document.visibilityState === 'visible' && session && Date.now() > session.expiresAt - EARLY_MS)
      renew();
  });
  void firstRefresh();
}

/** What a new token changes: nothing for most. It may be the first, or the first that is good for more, or for less. */
function enter({ enrol, user }: Held, before: SessionState, wiring: Wiring): void {
  const status = enrol ? 'enrolling' : 'signed-in';
  if (before.status === status) return;
  if (before.status === 'signed-in') wiring.leave(before.user, 'expired');
  store.setState({ status, user });
  if (status === 'signed-in') wiring.enter(user);
}

/** Asks for a token that is good for everything, once a second step was set up. Throws ApiProblem. */
export async function secondStepIsSet(): Promise<void> {
  await refreshToken(currentSession()?.access_token);
}

export function renewIn(lifeSeconds: number, expiresAt: number, now = Date.now()): number {
  const early = Math.min(EARLY_MS, lifeSeconds * 200);
  return Math.max(1_000, expiresAt - now - early);
}

function renew(): void {
  void keepTrying(() => refreshToken(currentSession()?.access_token));
}

async function firstRefresh(): Promise<void> {
  const session = mayHaveSession() ? await keepTrying(() => refreshToken(undefined)) : undefined;
  if (!session && store.getState().status === 'loading')
    store.setState({ status: 'anonymous', user: undefined });
}

async function keepTrying<T>(work: () => Promise<T>): Promise<T | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!toProblem(error).temporary) return undefined;
      await Promise.race([sleep(500 + backoffDelay(attempt, { base: 500, cap: 10_000 })), nextOnline()]);
    }
  }
}

function nextOnline(): Promise<void> {
  return new Promise((resolve) => addEventListener('online', () => resolve(), { once: true }));
}

/** Signs in with a username or e-mail address. Throws ApiProblem. */
export async function signIn(login: string, password: string): Promise<void> {
  await signInBy(() => call(api.POST('/api/v1/auth/login', { body: { login, password } })));
}

export interface SignUp {
  username?: string;
  email?: string;
  password: string;
  display_name?: string;
  invitation?: string;
}

/** Makes an account and signs in. Empty fields are left out. Throws ApiProblem. */
export async function signUp(form: SignUp): Promise<void> {
  const body: SignUp = { password: form.password };
  if (form.username) body.username = form.username;
  if (form.email) body.email = form.email;
  if (form.display_name) body.display_name = form.display_name;
  if (form.invitation) body.invitation = form.invitation;
  await signInBy(() => call(api.POST('/api/v1/auth/register', { body })));
}

/**
 * Ends the session on the server, then removes everything of this person from this device, in every tab.
 * Throws ApiProblem and stays signed in when the server cannot be reached: the cookie would sign in again.
 */
export async function signOut(): Promise<void> {
  await call(api.POST('/api/v1/auth/logout', {}));
  forget('signed-out');
}

/** Deletes the account for good, and leaves nothing of this person on this device. Throws ApiProblem. */
export async function deleteAccount(confirmation: Confirmation): Promise<void> {
  await call(api.POST('/api/v1/auth/account/delete', { body: confirmation }));
  forget('signed-out');
}
