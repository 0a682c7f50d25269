import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { messages } from '@/lib/messages';
import { AuthPage } from './auth-page';

const t = messages.auth;

/** Answers of the server by path; each call is kept. */
const calls: { path: string; body: unknown }[] = [];
let answer: (path: string) => Response | Promise<Response>;

const problem = (status: number, slug: string, more: object = {}) =>
  new Response(JSON.stringify({ type: `/problems/${slug}`, status, detail: slug, ...more }), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });
const json = (body: unknown) =>
  new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal('fetch', async (request: Request) => {
    const { pathname } = new URL(request.url);
    const text = await request.text();
    calls.push({ path: pathname, body: text ? JSON.parse(text) : undefined });
    return answer(pathname);
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const field = (label: string) => screen.getByLabelText<HTMLInputElement>(label, { exact: true });
const type = (label: string, value: string) => fireEvent.change(field(label), { target: { value } });
const submit = (name: string) => {
  const form = screen.getByRole('button', { name }).closest('form');
  if (form) fireEvent.submit(form);
};

describe('sign in', () => {
  it('has what password managers look for', () => {
    render(<AuthPage mode="sign-in" onMode={() => undefined} />);
    expect(field(t.login).autocomplete).toBe('username webauthn');
    expect(field(t.password).autocomplete).toBe('current-password');
    expect(field(t.password).type).toBe('password');
  });

  it('asks nobody while a field is empty, and says which one', () => {
    render(<AuthPage mode="sign-in" onMode={() => undefined} />);
    submit(t.signIn);
    expect(calls).toEqual([]);
    expect(screen.getAllByText(t.required)).toHaveLength(2);
    expect(document.activeElement).toBe(field(t.login));
  });

  it('says the same for every refusal and sends a double Enter once', async () => {
    answer = () => problem(401, 'unauthenticated');
    render(<AuthPage mode="sign-in" onMode={() => undefined} />);
    type(t.login, ' ada ');
    type(t.password, 'not the one');
    submit(t.signIn);
    submit(t.signIn);
    expect((await screen.findByRole('alert')).textContent).toBe(t.wrong);
    expect(calls).toEqual([{ path: '/api/v1/auth/login', body: { login: 'ada', password: 'not the one' } }]);
    expect(field(t.password).value).toBe('not the one');
  });

  it('shows and hides the password', () => {
    render(<AuthPage mode="sign-in" onMode={() => undefined} />);
    type(t.password, 'secret');
    fireEvent.click(screen.getByRole('button', { name: t.showPassword }));
    expect(field(t.password).type).toBe('text');
    fireEvent.click(screen.getByRole('button', { name: t.hidePassword }));
    expect(field(t.password).type).toBe('password');
    expect(field(t.password).value).toBe('secret');
  });
});

describe('sign up', () => {
  it('asks once for a username, after the last key', async () => {
    vi.useFakeTimers();
    answer = (path) => json({ username: path.split('/').pop(), available: true });
    render(<AuthPage mode="sign-up" onMode={() => undefined} />);
    for (const text of ['g', 'gr', 'gra', 'grac', 'Grace']) type(t.username, text);
    expect(screen.getByText(t.usernameChecking)).toBeTruthy();
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    expect(calls.map((call) => call.path)).toEqual(['/api/v1/auth/usernames/grace']);
    expect(screen.getByText(t.usernameFree('grace'))).toBeTruthy();
  });

  it('does not ask for names that cannot be', async () => {
    vi.useFakeTimers();
    render(<AuthPage mode="sign-up" onMode={() => undefined} />);
    type(t.username, 'no spaces here');
    await act(() => vi.advanceTimersByTimeAsync(1_000));
    expect(calls).toEqual([]);
    expect(field(t.username).getAttribute('aria-invalid')).toBe('true');
  });

  it('puts what the server refuses beside its field', async () => {
    answer = (path) =>
      path.endsWith('/register')
        ? problem(400, 'weak-password', { errors: [{ location: 'body.password', message: 'Too common.' }] })
        : json({ username: 'grace', available: true });
    render(<AuthPage mode="sign-up" onMode={() => undefined} />);
    type(t.name, ' Grace ');
    type(t.username, 'grace');
    type(t.password, 'password123');
    submit(t.signUp);
    await screen.findByText('Too common.');
    await waitFor(() => expect(document.activeElement).toBe(field(t.password)));
    expect(calls.find((call) => call.path.endsWith('/register'))?.body).toEqual({
      username: 'grace',
      password: 'password123',
      display_name: 'Grace',
    });
  });
});
