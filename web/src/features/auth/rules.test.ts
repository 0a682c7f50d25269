import { describe, expect, it } from 'vitest';
import { ApiProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { emailError, fromProblem, passwordError, usernameError } from './rules';

const t = messages.auth;

describe('usernameError', () => {
  it.each([
    ['ada', undefined],
    ['a.b-c_9', undefined],
    ['0ada', undefined],
    ['', t.required],
    ['ab', t.usernameShort],
    ['.ada', t.usernameChars],
    ['ada lovelace', t.usernameChars],
    ['ädä', t.usernameChars],
    ['a'.repeat(32), undefined],
    ['a'.repeat(33), t.usernameLong],
  ])('%j', (username, expected) => expect(usernameError(username)).toBe(expected));
});

describe('passwordError', () => {
  it.each([
    ['correct horse', 'ada', undefined],
    ['1234567', 'ada', t.passwordShort],
    ['ääää', 'ada', t.passwordShort],
    ['ääääää öä', 'ada', undefined],
    ['x'.repeat(257), 'ada', t.passwordLong],
    ['my-ADA-password', 'ada', t.passwordHasName],
    ['long enough', '', undefined],
  ])('%j of %j', (password, username, expected) => expect(passwordError(password, username)).toBe(expected));
});

it('an e-mail address is optional', () => {
  expect(emailError('')).toBeUndefined();
  expect(emailError('ada@example.org')).toBeUndefined();
  expect(emailError('ada')).toBe(t.emailInvalid);
});

describe('fromProblem', () => {
  it('puts errors beside their fields', () => {
    const problem = new ApiProblem({
      slug: 'invalid-body',
      status: 400,
      errors: [
        { location: 'body.username', message: 'too short' },
        { location: 'body.unknown', message: 'what is this' },
      ],
    });
    expect(fromProblem(problem)).toEqual({ username: 'too short', form: 'what is this' });
  });
  it('says the same for an unknown user and a wrong password', () => {
    expect(fromProblem(new ApiProblem({ slug: 'unauthenticated', status: 401 }))).toEqual({ form: t.wrong });
  });
  it('says how long to wait', () => {
    const problem = new ApiProblem({ slug: 'rate-limited', status: 429, retryAfterMs: 11_200 });
    expect(fromProblem(problem).form).toContain('12 seconds');
  });
});
