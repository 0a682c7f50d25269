import { type FormEvent, useRef, useState } from 'react';
import { PasswordField } from '@/components/password-field';
import { PasswordStrength } from '@/components/password-strength';
import { Button, Input } from '@/components/ui';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { signUp } from '@/lib/session';
import { FormError, FormNotice } from './form-error';
import { emailError, type FieldErrors, fromProblem, passwordError, usernameError } from './rules';
import { useFocusFirstError } from './use-focus-first-error';
import { useUsernameCheck } from './use-username-check';
import { UsernameField } from './username-field';

const t = messages.auth;

const empty = { name: '', username: '', email: '', password: '' };
type Fields = typeof empty;

function check(fields: Fields, taken: boolean): FieldErrors {
  const errors: FieldErrors = {
    username: usernameError(fields.username) ?? (taken ? t.usernameTaken(fields.username) : undefined),
    email: emailError(fields.email),
    password: passwordError(fields.password, fields.username),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, error]) => error));
}

/** Makes an account. The session store changes what is on screen afterwards. */
export function SignUpForm({ invitation }: { invitation: string }) {
  const form = useRef<HTMLFormElement>(null);
  const [fields, setFields] = useState(empty);
  const [errors, setErrors] = useState<FieldErrors>({});
  const [busy, setBusy] = useState(false);
  const availability = useUsernameCheck(fields.username);
  useFocusFirstError(form, errors);

  const set = (field: keyof Fields) => (value: string) => {
    setFields((before) => ({ ...before, [field]: value }));
    if (errors[field]) setErrors(({ [field]: _, ...rest }) => rest);
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const trimmed = { ...fields, name: fields.name.trim(), email: fields.email.trim() };
    const wrong = check(trimmed, availability === 'taken');
    setErrors(wrong);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      const { username, email, password, name } = trimmed;
      await signUp({ username, email, password, display_name: name, invitation });
    } catch (error) {
      const problem = toProblem(error);
      // Of the invitation, not of a link in a mail.
      setErrors(problem.slug === 'token-invalid' ? { form: problem.detail } : fromProblem(problem));
      setBusy(false);
    }
  };

  return (
    <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
      <FormError text={errors.form} />
      <FormNotice text={errors.notice} />
      <Input
        label={t.name}
        name="name"
        autoComplete="name"
        maxLength={64}
        autoFocus
        value={fields.name}
        onChange={(event) => set('name')(event.target.value)}
        error={errors.name}
        hint={t.nameHint}
      />
      <UsernameField
        username={fields.username}
        onChange={set('username')}
        availability={availability}
        error={errors.username}
      />
      <Input
        label={t.email}
        name="email"
        type="email"
        autoComplete="email"
        value={fields.email}
        onChange={(event) => set('email')(event.target.value)}
        error={errors.email}
        hint={t.emailOptional}
      />
      <PasswordField
        name="new-password"
        autoComplete="new-password"
        value={fields.password}
        onChange={(event) => set('password')(event.target.value)}
        error={errors.password}
        hint={t.passwordHint}
      />
      <PasswordStrength password={fields.password} />
      <Button type="submit" size="lg" busy={busy} className="mt-2 w-full">
        {t.signUp}
      </Button>
    </form>
  );
}
