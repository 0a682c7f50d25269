import { type FormEvent, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { paths } from '@/components/paths';
import { Button } from '@/components/ui';
import { forgotPassword } from '@/lib/account';
import { toProblem } from '@/lib/api';
import { messages } from '@/lib/messages';
import { AuthFrame } from './auth-frame';
import { FormError, FormNotice } from './form-error';
import { LoginField } from './login-field';
import { type FieldErrors, fromProblem } from './rules';
import { useFocusFirstError } from './use-focus-first-error';

const t = messages.auth;

/** Asks for a link that lets somebody choose a new password. */
export function ForgotPage() {
  const form = useRef<HTMLFormElement>(null);
  const [, navigate] = useLocation();
  const [login, setLogin] = useState('');
  const [errors, setErrors] = useState<FieldErrors>({});
  const [busy, setBusy] = useState(false);
  useFocusFirstError(form, errors);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    if (!login.trim()) return setErrors({ login: t.required });
    setBusy(true);
    try {
      await forgotPassword(login.trim());
      setErrors({ notice: t.forgotSent });
    } catch (error) {
      setErrors(fromProblem(toProblem(error)));
    }
    setBusy(false);
  };

  return (
    <AuthFrame title={t.forgotTitle} lead={t.forgotLead}>
      <form ref={form} onSubmit={submit} noValidate className="flex flex-col gap-4">
        <FormError text={errors.form} />
        <FormNotice text={errors.notice} />
        <LoginField value={login} onChange={setLogin} error={errors.login} />
        <Button type="submit" size="lg" busy={busy} className="mt-2 w-full">
          {t.forgotSend}
        </Button>
        <Button variant="ghost" onClick={() => navigate(paths.signIn)}>
          {t.backToSignIn}
        </Button>
      </form>
    </AuthFrame>
  );
}
