import type { ApiProblem } from '@/lib/api';
import { messages } from '@/lib/messages';

const t = messages.auth;

/** What is wrong with a username, or undefined. The same rules as the server's. */
export function usernameError(username: string): string | undefined {
  if (username === '') return t.required;
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(username)) return t.usernameChars;
  if (username.length < 3) return t.usernameShort;
  if (username.length > 32) return t.usernameLong;
  return undefined;
}

/** What is wrong with a new password, or undefined. At least 8 characters, at most 256 bytes of UTF-8. */
export function passwordError(password: string, username: string): string | undefined {
  if (password === '') return t.required;
  if ([...password.normalize('NFC')].length < 8) return t.passwordShort;
  if (new TextEncoder().encode(password).length > 256) return t.passwordLong;
  if (username.length >= 3 && password.toLowerCase().includes(username.toLowerCase()))
    return t.passwordHasName;
  return undefined;
}

/** An e-mail address may be empty; the server only checks its shape too. */
export function emailError(email: string): string | undefined {
  return email === '' || /^[^\s@]+@[^\s@]+$/.test(email) ? undefined : t.emailInvalid;
}

/** Problems by field; `form` is what belongs to no field, `notice` is no error. */
export type FieldErrors = Partial<
  Record<'login' | 'name' | 'username' | 'email' | 'password' | 'form' | 'notice', string>
>;

const fieldOf: Record<string, keyof FieldErrors> = {
  'body.login': 'login',
  'body.username': 'username',
  'body.email': 'email',
  'body.password': 'password',
  'body.display_name': 'name',
};

/** The server's answer as errors of the form's fields. */
export function fromProblem(problem: ApiProblem): FieldErrors {
  if (problem.slug === 'unauthenticated') return { form: t.wrong };
  if (problem.slug === 'token-invalid') return { form: t.linkBad };
  if (problem.slug === 'email-unconfirmed') return { notice: t.unconfirmed };
  if (problem.slug === 'identifier-taken') return { form: t.taken };
  if (problem.slug === 'rate-limited') {
    const seconds = problem.retryAfterMs === undefined ? undefined : Math.ceil(problem.retryAfterMs / 1000);
    return { form: t.rateLimited(seconds) };
  }
  const errors: FieldErrors = {};
  for (const { location, message } of problem.errors) {
    errors[fieldOf[location] ?? 'form'] ??= message;
  }
  if (Object.keys(errors).length > 0) return errors;
  return problem.slug === 'weak-password' ? { password: problem.detail } : { form: problem.detail };
}
