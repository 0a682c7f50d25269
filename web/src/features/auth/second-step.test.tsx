import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { evidenceOf } from '@/lib/account';
import { messages } from '@/lib/messages';
import { SignInForm } from './sign-in-form';

const t = messages.twoStep;
const calls: { path: string; body: unknown }[] = [];
const answers: Response[] = [];

const problem = (slug: string, more: object = {}) =>
  new Response(JSON.stringify({ type: `/problems/${slug}`, status: 401, detail: slug, ...more }), {
    status: 401,
    headers: { 'Content-Type': 'application/problem+json' },
  });

beforeEach(() => {
  calls.length = 0;
  answers.length = 0;
  vi.stubGlobal('fetch', async (request: Request) => {
    calls.push({ path: new URL(request.url).pathname, body: JSON.parse(await request.text()) });
    return answers.shift();
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** Signs in with a password to an account whose second step has these ways. */
async function half(...methods: string[]) {
  answers.push(problem('second-factor-required', { challenge: 'secret', methods }));
  render(<SignInForm />);
  fireEvent.change(screen.getByLabelText(messages.auth.login), { target: { value: 'ada' } });
  fireEvent.change(screen.getByLabelText(messages.auth.password), { target: { value: 'the right one' } });
  fireEvent.click(screen.getByRole('button', { name: messages.auth.signIn }));
  await screen.findByRole('heading', { name: t.secondTitle });
}

it('takes a code, says what was wrong, and starts again when the sign-in is over', async () => {
  await half('totp', 'recovery_code');
  const code = screen.getByLabelText<HTMLInputElement>(t.secondCode);
  expect(code.autocomplete).toBe('one-time-code');
  answers.push(problem('unauthenticated'));
  fireEvent.change(code, { target: { value: ' 123 456 ' } });
  fireEvent.click(screen.getByRole('button', { name: t.goOn }));
  await screen.findByText(t.secondWrong);
  expect(calls.at(-1)).toEqual({
    path: '/api/v1/auth/login/second',
    body: { challenge: 'secret', code: '123456' },
  });
  answers.push(problem('challenge-expired'));
  fireEvent.click(screen.getByRole('button', { name: t.goOn }));
  await screen.findByText(t.secondOver);
  expect(screen.getByLabelText<HTMLInputElement>(messages.auth.password).value).toBe('');
});

it('takes a recovery code as it was typed, and offers no passkey where there can be none', async () => {
  await half('totp', 'passkey', 'recovery_code');
  expect(screen.queryByRole('button', { name: t.usePasskey })).toBeNull();
  fireEvent.click(screen.getByRole('button', { name: t.useRecovery }));
  answers.push(problem('unauthenticated'));
  fireEvent.change(screen.getByLabelText(t.secondRecovery), { target: { value: 'abcd-efgh-ijkl-mnop ' } });
  fireEvent.click(screen.getByRole('button', { name: t.goOn }));
  await screen.findByText(t.secondWrong);
  expect(calls.at(-1)?.body).toEqual({ challenge: 'secret', recovery_code: 'abcd-efgh-ijkl-mnop' });
});

it('tells codes of an app from recovery codes', () => {
  expect(evidenceOf(' 123 456')).toEqual({ code: '123456' });
  expect(evidenceOf('abcd-efgh-ijkl-mnop')).toEqual({ recovery_code: 'abcd-efgh-ijkl-mnop' });
  expect(evidenceOf('1234567')).toEqual({ recovery_code: '1234567' });
  expect(evidenceOf(' ')).toEqual({});
});

it('goes on with the sign-in that another provider began, and keeps its secret out of the address', async () => {
  history.replaceState(
    null,
    '',
    '/signin#second=from-there&methods=totp&return=%2Fsettings%2Fsecurity%3Fx%3D1',
  );
  render(<SignInForm />);
  await screen.findByRole('heading', { name: t.secondTitle });
  expect(location.pathname + location.search + location.hash).toBe('/settings/security?x=1');
  answers.push(problem('unauthenticated'));
  fireEvent.change(screen.getByLabelText(t.secondCode), { target: { value: '123456' } });
  fireEvent.click(screen.getByRole('button', { name: t.goOn }));
  await screen.findByText(t.secondWrong);
  expect(calls.at(-1)?.body).toEqual({ challenge: 'from-there', code: '123456' });
});

it('follows no way back to elsewhere', async () => {
  history.replaceState(null, '', '/signin#second=from-there&methods=totp&return=%2F%2Fevil.example%2Fx');
  render(<SignInForm />);
  await screen.findByRole('heading', { name: t.secondTitle });
  expect(location.href).toBe(`${location.origin}/signin`);
});
