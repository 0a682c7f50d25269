import { type FormEvent, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { PasswordField } from '@/components/password-field';
import { PasswordStrength } from '@/components/password-strength';
import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { resetPassword } from '@/lib/account';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { AuthFrame } from './auth-frame';
import { FormError, FormNotice } from './form-error';
import { type FieldErrors, fromProblem, passwordError } from './rules';
import { useFocusFirstError } from './use-focus-first-error';
import { useLinkToken } from './use-link-token';

const t = messages.auth;

/** Where the link of "Forgot password?" leads. */
export function ResetPage() {
  const form = useRef<HTMLFormElement>(null);
  const [, navigate] = useLocation();
  const token = useLinkToken();
  const [password, setPassword] = useState('');
  const [errors, setErrors] = useState<FieldErrors>(token ? {} : { form: t.linkBad });
  const [busy, setBusy] = useState(false);
  useFocusFirstError(form, errors);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const wrong = passwordError(password, '');
    if (wrong) return setErrors({ password: wrong });
    setBusy(true);
    try {
      await resetPassword(token, password);
      setErrors({ notice: t.resetDone });
    } catch (error) {
      setErrors(fromProblem(toProblem(error)));
    }
    setBusy(false);
  };

  if (errors.notice || errors.form === t.linkBad) {
    const done = errors.notice !== undefined;
    return (
      <AuthFrame title={t.resetTitle}>
        <div className="flex flex-col gap-4">
          <FormError text={errors.form} />
          <FormNotice text={errors.notice} />
          <Button size="lg" onClick={() => navigate(done ? paths.signIn : paths.forgot)}>
            {done ? t.signIn : t.linkAgain}
          </Button>
        </div>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={t.resetTitle} lead={t.resetLead}>
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
        <FormError text={errors.form} />
        <PasswordField
          label={t.newPassword}
          name="new-password"
          autoComplete="new-password"
          autoFocus
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={errors.password}
          hint={t.passwordHint}
        />
        <PasswordStrength password={password} />
        <Button type="submit" size="lg" busy={busy} className="mt-2 w-full">
          {t.resetSave}
        </Button>
      </form>
    </AuthFrame>
  );
}
